"""Features: typed columns in, matrices for estimators out; all that is learned, per fold."""
