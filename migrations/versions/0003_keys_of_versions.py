"""keys of versions

Revision 0003. An Idempotency-Key that came with a version is kept beside it, so that the same file sent
again is not appended again. An API of the version before knows nothing of it and goes on writing.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dataset_version_keys",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("dataset_id", sa.String(length=36), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["datasets.id"],
            name=op.f("fk_dataset_version_keys_dataset_id_datasets"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset_version_keys")),
        sa.UniqueConstraint(
            "dataset_id",
            "idempotency_key",
            name=op.f("uq_dataset_version_keys_dataset_id_idempotency_key"),
        ),
    )


def downgrade() -> None:
    """The versions stay; a file that is sent again makes another one."""
    op.drop_table("dataset_version_keys")
