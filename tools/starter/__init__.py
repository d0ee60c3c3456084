"""How the starter is made: a painter of captioned scenes, a trainer, and a measuring probe."""
