"""versions of datasets

Revision 0002. What is there is version 1 of its dataset. The new columns have defaults in the database,
so that an API of the version before can still write while it is being replaced.
"""

import sqlalchemy as sa
from alembic import op

import app.db.types

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # One by one, and not as a batch: that would make the table anew on SQLite, and with the old
    # one everything that hangs on its rows would go.
    op.add_column(
        "datasets",
        sa.Column("source_filename", sa.String(length=255), server_default="", nullable=False),
    )
    op.add_column(
        "datasets", sa.Column("mode", sa.String(length=10), server_default="upload", nullable=False)
    )
    op.add_column(
        "datasets", sa.Column("options_json", sa.JSON(), server_default="{}", nullable=False)
    )
    op.execute("UPDATE datasets SET source_filename = filename")
    op.add_column(
        "runs", sa.Column("dataset_version", sa.Integer(), server_default="1", nullable=False)
    )
    op.execute(
        "UPDATE runs SET dataset_version = "
        "(SELECT version FROM datasets WHERE datasets.id = runs.dataset_id)"
    )
    op.create_table(
        "dataset_versions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("dataset_id", sa.String(length=36), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("storage_key", sa.String(length=900), nullable=False),
        sa.Column("preview_key", sa.String(length=900), nullable=False),
        sa.Column("profile_key", sa.String(length=900), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("cols", sa.Integer(), nullable=False),
        sa.Column("columns_json", sa.JSON(), nullable=False),
        sa.Column("warnings_json", sa.JSON(), nullable=False),
        sa.Column("read_json", sa.JSON(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("uploaded_at", app.db.types.UTCDateTime(timezone=True), nullable=False),
        sa.Column("source_filename", sa.String(length=255), server_default="", nullable=False),
        sa.Column("mode", sa.String(length=10), server_default="upload", nullable=False),
        sa.Column("options_json", sa.JSON(), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["datasets.id"],
            name=op.f("fk_dataset_versions_dataset_id_datasets"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset_versions")),
        sa.UniqueConstraint(
            "dataset_id", "version", name=op.f("uq_dataset_versions_dataset_id_version")
        ),
    )


def downgrade() -> None:
    """The newest version of each dataset stays; the objects of the others are swept."""
    op.drop_table("dataset_versions")
    op.drop_column("runs", "dataset_version")
    for column in ("options_json", "mode", "source_filename"):
        op.drop_column("datasets", column)
