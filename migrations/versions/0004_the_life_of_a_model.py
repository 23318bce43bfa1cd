"""the life of a model

Revision 0004. A run can be asked to finish, a model can be the champion of its project and target, a
job can evaluate, and what models were asked is counted. The new columns have defaults in the
database, so that an API of the version before can still write while it is being replaced.
"""

import sqlalchemy as sa
from alembic import op

import app.db.types

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # One by one, and not as a batch: that would make the table anew on SQLite, and with the old
    # one everything that hangs on its rows would go.
    op.add_column(
        "runs",
        sa.Column("finish_requested", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.add_column(
        "models",
        sa.Column("champion_since", app.db.types.UTCDateTime(timezone=True), nullable=True),
    )
    op.add_column("models", sa.Column("decision_json", sa.JSON(), nullable=True))
    op.add_column(
        "prediction_jobs",
        sa.Column("kind", sa.String(length=10), server_default="predict", nullable=False),
    )
    op.create_table(
        "prediction_tallies",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("model_id", sa.String(length=36), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("counts_json", sa.JSON(), nullable=False),
        sa.Column("created_at", app.db.types.UTCDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"],
            ["models.id"],
            name=op.f("fk_prediction_tallies_model_id_models"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prediction_tallies")),
    )
    op.create_index(
        "ix_prediction_tallies_model_id_created_at",
        "prediction_tallies",
        ["model_id", "created_at"],
        unique=False,
    )


def downgrade() -> None:
    """Models, runs and jobs stay; who was champion, and what was asked, is forgotten."""
    op.drop_index("ix_prediction_tallies_model_id_created_at", table_name="prediction_tallies")
    op.drop_table("prediction_tallies")
    op.drop_column("prediction_jobs", "kind")
    op.drop_column("models", "decision_json")
    op.drop_column("models", "champion_since")
    op.drop_column("runs", "finish_requested")
