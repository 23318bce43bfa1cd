"""Jobs that misbehave, for the sandbox's tests: they run in a real child."""

import ctypes
import os
import resource
import sys
import tempfile
import time


class Typed(Exception):
    """An error as the analyst's are."""

    code = "bad_table"

    def __init__(self):
        super().__init__("row 3 has too few cells")
        self.details = {"row": 3}


def echo(*, value, progress):
    print("noise on stdout that must not reach the protocol")
    os.write(1, b"raw noise\n")
    progress(0.5, "half way", leaderboard=[{"rank": 1}])
    return {"value": value}


def environment(*, progress):
    return {"names": sorted(os.environ), "path": os.getcwd()}


def rest(*, seconds, progress):
    time.sleep(seconds)
    return {}


def modules(*, progress):
    return {"modules": sorted(sys.modules)}


def not_finite(*, progress):
    return {"nan": float("nan"), "inside": [float("inf"), 1.5]}


def typed_error(*, progress):
    raise Typed


def base_exception(*, progress):
    class Panic(BaseException):
        pass

    raise Panic("a reader panicked")


def abort(*, progress):
    os.abort()


def leave(*, progress):
    os._exit(7)


def hang(*, progress):
    ctypes.CDLL(None).sleep(600)
    return {}


def compute(*, progress):
    while True:
        pass


def native_out_of_memory(*, progress):
    os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n")
    os.abort()


def rusts_out_of_memory(*, progress):
    os.write(2, b"memory allocation of 4294967296 bytes failed\n")
    os.abort()


def foreign_out_of_memory(*, progress):
    class OutOfMemoryException(Exception):
        pass

    raise OutOfMemoryException("could not allocate a block")


def eat(*, megabytes, progress):
    blocks = []
    for _ in range(megabytes):
        blocks.append(bytearray(os.urandom(1024)) * 1024)
        time.sleep(0.001)
    return {"held": len(blocks)}


def read_mapped(*, path, seconds, progress):
    import mmap

    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as pages:
        checked = sum(pages[at] for at in range(0, len(pages), mmap.PAGESIZE))
        time.sleep(seconds)
    return {"sum": checked}


def spawn_and_hang(*, pid_file, progress):
    import subprocess

    child = subprocess.Popen(["sleep", "600"])
    with open(pid_file, "w") as file:
        file.write(f"{os.getpid()} {child.pid}")
    time.sleep(600)
    return {}


def litter(*, progress):
    """Leave a temporary file behind, as libraries do in a process that is killed."""
    return {"path": tempfile.mkstemp()[1]}


def fill_disk(*, way, progress):
    """Write more than fits, and meet it as each kind of library does."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    folder = tempfile.mkdtemp()
    if way == "engine":
        import duckdb

        duckdb.sql(f"COPY (SELECT uuid() FROM range(100000)) TO '{folder}/x.csv'")
    try:
        with open(f"{folder}/x", "wb") as file:
            file.write(bytes(1_000_000))
    except OSError as error:
        if way == "typed":
            raise Typed from error
        raise
