"""SGLang's offline engine."""
