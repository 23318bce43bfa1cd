"""The report of a run: one document model, rendered as Markdown, HTML and PDF."""
