"""Gesso's own look: warm white ground, ink, one pigment; the same care in the dark.

Colours here feed Gradio's components; `static/ground.css` has the same values as custom
properties. Fonts are the system's own, so nothing is fetched.
"""

from __future__ import annotations

from gradio.themes import Base
from gradio.themes.utils import colors, sizes

VERMILION = colors.Color(
    name="vermilion",
    c50="#fdf3ef",
    c100="#fbe3db",
    c200="#f6c6b7",
    c300="#f0a28b",
    c400="#ee7d60",
    c500="#d6492a",
    c600="#bb361a",
    c700="#992b15",
    c800="#7c2615",
    c900="#662416",
    c950="#3a1009",
)
"""The pigment. 600 on ground 50, and white on 600, have a contrast above 5 to 1."""

GROUND = colors.Color(
    name="ground",
    c50="#faf7f2",
    c100="#f3eee6",
    c200="#e7e0d4",
    c300="#d5ccbd",
    c400="#a89e8f",
    c500="#7a7166",
    c600="#5c554c",
    c700="#443e37",
    c800="#2c2824",
    c900="#211e1a",
    c950="#171512",
)
"""From gesso to ink."""

FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
MONO = ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "DejaVu Sans Mono", "monospace")


def theme() -> Base:
    """The theme of Gradio's components, light and dark."""
    base = Base(
        primary_hue=VERMILION,
        secondary_hue=VERMILION,
        neutral_hue=GROUND,
        spacing_size=sizes.spacing_md,
        radius_size=sizes.radius_lg,
        text_size=sizes.text_md,
        font=FONT,
        font_mono=MONO,
    )
    return base.set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color="*neutral_800",
        body_text_color_dark="*neutral_100",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        background_fill_primary="#ffffff",
        background_fill_primary_dark="*neutral_900",
        background_fill_secondary="*neutral_50",
        background_fill_secondary_dark="*neutral_950",
        border_color_primary="*neutral_200",
        border_color_primary_dark="*neutral_700",
        border_color_accent="*primary_600",
        border_color_accent_dark="*primary_400",
        color_accent="*primary_600",
        color_accent_soft="*primary_50",
        color_accent_soft_dark="*primary_950",
        link_text_color="*primary_700",
        link_text_color_dark="*primary_300",
        block_background_fill="transparent",
        block_background_fill_dark="transparent",
        block_border_width="0px",
        block_padding="0px",
        block_shadow="none",
        block_label_text_color="*neutral_700",
        block_label_text_color_dark="*neutral_200",
        block_title_text_color="*neutral_700",
        block_title_text_color_dark="*neutral_200",
        block_title_text_size="*text_sm",
        block_title_text_weight="600",
        block_info_text_color="*neutral_500",
        block_info_text_color_dark="*neutral_400",
        input_background_fill="*neutral_50",
        input_background_fill_dark="*neutral_950",
        input_background_fill_focus="#ffffff",
        input_background_fill_focus_dark="*neutral_950",
        input_border_color="*neutral_300",
        input_border_color_dark="*neutral_700",
        input_border_color_focus="*primary_600",
        input_border_color_focus_dark="*primary_400",
        input_border_width="1px",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        input_shadow="none",
        input_shadow_focus="0 0 0 3px #bb361a2e",
        input_shadow_focus_dark="0 0 0 3px #ee7d6040",
        slider_color="*primary_600",
        slider_color_dark="*primary_400",
        button_border_width="1px",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_hover_dark="*primary_700",
        button_primary_text_color="#ffffff",
        button_primary_text_color_dark="#ffffff",
        button_primary_border_color="transparent",
        button_primary_border_color_dark="transparent",
        button_secondary_background_fill="transparent",
        button_secondary_background_fill_dark="transparent",
        button_secondary_background_fill_hover="*neutral_100",
        button_secondary_background_fill_hover_dark="*neutral_800",
        button_secondary_text_color="*neutral_800",
        button_secondary_text_color_dark="*neutral_100",
        button_secondary_border_color="*neutral_300",
        button_secondary_border_color_dark="*neutral_700",
    )
