"""What people are asked, and what they answered."""

import sqlalchemy as sa

from ringfence.storage.columns import JsonText, Moment
from ringfence.storage.tables.schema import id_column, metadata, organization_column, reference

approvals = sa.Table(
    "approvals",
    metadata,
    id_column(),
    organization_column(),
    # What waits for the answer: `containment` or `step`, and its id.
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("subject_id", sa.Text, nullable=False),
    # `subject:id` while the question is open, else null: one open question for each subject.
    sa.Column("open_key", sa.Text, unique=True),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("reasons", JsonText, nullable=False),
    # What the answer is bound to; where any of it changes, the question is void.
    sa.Column("bound_to", JsonText, nullable=False),
    sa.Column("asked_by", sa.Text, nullable=False),
    sa.Column("approvers", JsonText, nullable=False),
    sa.Column("needed", sa.Integer, nullable=False),
    sa.Column("self_approval", sa.Boolean, nullable=False),
    sa.Column("escalate_to", JsonText, nullable=False),
    sa.Column("patience", sa.Float, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False, server_default=""),
    sa.Column("asked_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("escalated_at", Moment),
    sa.Column("closed_at", Moment),
)
sa.Index("ix_approvals_organization_asked", approvals.c.organization_id, approvals.c.asked_at)
sa.Index("ix_approvals_subject", approvals.c.subject, approvals.c.subject_id)

approval_answers = sa.Table(
    "approval_answers",
    metadata,
    reference("approval_id", "approvals.id"),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("yes", sa.Boolean, nullable=False),
    sa.Column("comment", sa.Text, nullable=False, server_default=""),
    # How the answer came: page, command line, link, API.
    sa.Column("via", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("approval_id", "by"),
)
