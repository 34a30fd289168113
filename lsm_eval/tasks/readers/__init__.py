"""Readers of data sets in their source's own format: from paths to rows (`dataset.reader`)."""
