//! Colors that stay apart to every kind of eye (after Okabe and Ito), on light and on dark ground.

use plotters::style::RGBColor;

/// A color by name; drawings have its light shade, the style sheet puts the other in its place on dark ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Color {
    Ink,
    Muted,
    Track,
    Blue,
    Sky,
    Green,
    Yellow,
    Orange,
    Purple,
}

impl Color {
    const ALL: [Color; 9] = [
        Color::Ink,
        Color::Muted,
        Color::Track,
        Color::Blue,
        Color::Sky,
        Color::Green,
        Color::Yellow,
        Color::Orange,
        Color::Purple,
    ];

    /// As a class of the style sheet.
    pub(super) fn name(self) -> &'static str {
        match self {
            Color::Ink => "ink",
            Color::Muted => "muted",
            Color::Track => "track",
            Color::Blue => "blue",
            Color::Sky => "sky",
            Color::Green => "green",
            Color::Yellow => "yellow",
            Color::Orange => "orange",
            Color::Purple => "purple",
        }
    }

    /// On light ground and on dark, 0xRRGGBB.
    fn shades(self) -> (u32, u32) {
        match self {
            Color::Ink => (0x1F_2328, 0xE6_EDF3),
            Color::Muted => (0x6A_737D, 0x93_9DA8),
            Color::Track => (0xE9_EDF1, 0x24_2B33),
            Color::Blue => (0x00_72B2, 0x6C_B8EA),
            Color::Sky => (0x7D_BDE5, 0x35_6F95),
            Color::Green => (0x00_9E73, 0x35_C295),
            Color::Yellow => (0xD1_A000, 0xE8_C93F),
            Color::Orange => (0xD5_5E00, 0xF0_8A47),
            Color::Purple => (0xB0_5F97, 0xD3_90BE),
        }
    }

    /// As drawings have it.
    pub(super) fn rgb(self) -> RGBColor {
        let [_, red, green, blue] = self.shades().0.to_be_bytes();
        RGBColor(red, green, blue)
    }

    fn rules(self) -> String {
        let (name, light) = (self.name(), self.shades().0);
        format!(
            ".{name} {{ background: var(--{name}) }}\nsvg [fill=\"#{light:06X}\"] {{ fill: var(--{name}) }}\n\
             svg [stroke=\"#{light:06X}\"] {{ stroke: var(--{name}) }}\n"
        )
    }
}

/// The style sheet.
pub(super) fn style() -> String {
    let variables = |shade: fn((u32, u32)) -> u32| -> String {
        Color::ALL.iter().map(|color| format!("--{}: #{:06X};", color.name(), shade(color.shades()))).collect()
    };
    let (light, dark) = (variables(|(light, _)| light), variables(|(_, dark)| dark));
    let rules: String = Color::ALL.iter().map(|color| color.rules()).collect();
    format!(
        ":root {{ --ground: #FFFFFF; {light} }}\n@media screen and (prefers-color-scheme: dark) {{\n:root {{ --ground: \
         #14181D; {dark} }}\n}}\n{}{rules}",
        include_str!("style.css")
    )
}
