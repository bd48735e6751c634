"""Quality gates: checks in SQL, declared beside the tables they guard, and what they found in ops."""
