"""Projects: a user's folders of datasets, runs and models."""
