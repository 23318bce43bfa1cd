"""Questions about a dataset, asked in plain words."""
