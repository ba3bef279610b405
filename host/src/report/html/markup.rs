//! HTML as a type: text gets in escaped, markup only as written in this program.

use super::palette::Color;

/// A piece of a page.
#[derive(Clone, Debug, Default)]
pub(super) struct Html(String);

impl Html {
    /// Text, whatever is in it.
    pub(super) fn text(text: impl AsRef<str>) -> Self {
        Self(escape(text.as_ref()))
    }

    /// An element with its attributes, `div class="row"`, around others.
    pub(super) fn tag(open: &'static str, inside: impl IntoIterator<Item = Html>) -> Self {
        Self::element(open, inside)
    }

    /// An element around text.
    pub(super) fn tag_text(open: &'static str, text: impl AsRef<str>) -> Self {
        Self::element(open, [Self::text(text)])
    }

    /// Pieces one after the other.
    pub(super) fn all(pieces: impl IntoIterator<Item = Html>) -> Self {
        Self(pieces.into_iter().map(|piece| piece.0).collect())
    }

    /// A drawing: `body` is an SVG's content, made by a backend that escapes text itself.
    pub(super) fn svg(attributes: &str, title: &str, description: &str, body: &str) -> Self {
        let (title, description) = (escape(title), escape(description));
        Self(format!("<svg {attributes} role=\"img\"><title>{title}</title><desc>{description}</desc>{body}</svg>"))
    }

    /// The document.
    pub(super) fn document(title: &str, style: &str, body: Html) -> String {
        let title = escape(title);
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" \
             content=\"width=device-width, initial-scale=1\"/>\n<meta name=\"color-scheme\" content=\"light dark\"/>\n\
             <title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>\n{}</body>\n</html>\n",
            body.0
        )
    }

    fn element(open: &str, inside: impl IntoIterator<Item = Html>) -> Self {
        let name = open.split(' ').next().unwrap_or(open);
        Self(format!("<{open}>{}</{name}>\n", Self::all(inside).0))
    }
}

/// Text without characters that HTML reads as its own, nor control characters, which it has no way to write.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter if letter.is_control() && letter != '\n' => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// A part of the page under a heading.
pub(super) fn section(heading: &str, inside: impl IntoIterator<Item = Html>) -> Html {
    Html::tag("section", [Html::tag_text("h2", heading)].into_iter().chain(inside))
}

/// A paragraph that says how to read a drawing.
pub(super) fn note(text: impl AsRef<str>) -> Html {
    Html::tag_text("p class=\"note\"", text)
}

/// A label, what is drawn, and the figure in words.
pub(super) fn row(label: impl AsRef<str>, drawing: Html, figure: impl AsRef<str>) -> Html {
    let (label, figure) =
        (Html::tag_text("span class=\"label\"", label), Html::tag_text("span class=\"figure\"", figure));
    Html::tag("div class=\"row\"", [label, drawing, figure])
}

/// The ends of the rows' common scale.
pub(super) fn axis(from: impl AsRef<str>, to: impl AsRef<str>) -> Html {
    let ends = Html::tag("span class=\"ends\"", [Html::tag_text("span", from), Html::tag_text("span", to)]);
    Html::tag("div class=\"row axis\"", [Html::tag_text("span class=\"label\"", ""), ends])
}

/// What each color means.
pub(super) fn legend(entries: &[(Color, &str)]) -> Html {
    let entry = |(color, text): &(Color, &str)| {
        let swatch = Html::element(&format!("span class=\"swatch {}\"", color.name()), []);
        Html::tag("li", [swatch, Html::text(text)])
    };
    Html::tag("ul class=\"legend\"", entries.iter().map(entry))
}

/// The exact figures, folded away.
pub(super) fn figures(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Html {
    let table = Html::tag("div class=\"scroll\"", [table(head, rows)]);
    Html::tag("details", [Html::tag_text("summary", "Figures"), table])
}

/// A table; its first column names the rows.
pub(super) fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Html {
    let head = Html::tag("tr", head.iter().map(|text| Html::tag_text("th scope=\"col\"", text)));
    let body = rows.into_iter().map(|row| {
        let cell =
            |(column, text): (usize, String)| Html::tag_text(if column == 0 { "th scope=\"row\"" } else { "td" }, text);
        Html::tag("tr", row.into_iter().enumerate().map(cell))
    });
    Html::tag("table", [Html::tag("thead", [head]), Html::tag("tbody", body)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        let Html(text) = Html::tag_text("p class=\"a\"", "<script>'\"&\u{0}");
        assert_eq!(text, "<p class=\"a\">&lt;script&gt;&#39;&quot;&amp;\u{fffd}</p>\n");
    }
}
