"""Sums per UTC day for dashboards: exact at every moment, whoever writes `curated.fact_orders`.

Whoever changes facts appends to `ops.order_changes`, in the same transaction, what that adds to the sums and
takes from them: the stream's commit by itself (`stream/commit.sql`), a publication through `publication.py`.
The views in `curated` add those changes to the sums; `fold` moves them there, so that they stay few.
"""
