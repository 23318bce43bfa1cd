"""What an administrator sees and may change: accounts, counts and logs."""
