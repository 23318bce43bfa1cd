"""The commands of ``uam``: each module holds one or two, and is imported when it is called."""
