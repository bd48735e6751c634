"""The numbers of PostgreSQL's advisory locks, side by side: one number stands for one thing."""

# Shared by those who write facts or raw rows, exclusive for who publishes or fixes marks (writers_lock.py).
WRITERS_LOCK = 7_310_001
# One fold of the sums at a time: two would wait for each other's rows. Taken after WRITERS_LOCK.
FOLD_LOCK = 7_310_002
# One step of a batch at a time.
STEP_LOCK = 7_310_003
# Two seeds at once: the second waits, then finds the first one's rows. Taken before WRITERS_LOCK.
SEED_LOCK = 7_310_004
