"""The worker that makes clips of queued shots, one at a time, and a running job's progress."""
