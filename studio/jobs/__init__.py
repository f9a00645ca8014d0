"""The worker that turns queued shots into kept clips, one at a time, and a running job as others see it."""
