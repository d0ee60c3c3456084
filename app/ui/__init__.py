"""The page: Gradio carries forms and layout; jobs, previews and pictures travel over the API."""

from app.ui.page import build, mount

__all__ = ["build", "mount"]
