"""The queue's side: Celery's application and tasks, and the beat that finds what was lost."""
