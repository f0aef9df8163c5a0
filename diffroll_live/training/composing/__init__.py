"""What the composer learns from and how: scores in bars, passages with holes, its objective and its runs."""
