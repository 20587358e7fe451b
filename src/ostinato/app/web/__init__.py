"""The studio: an HTTP server for trained models, an API that OpenAI's clients speak, and a page."""
