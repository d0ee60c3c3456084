"""How the starter models are made: `world` paints captioned scenes, `learn` learns from them."""
