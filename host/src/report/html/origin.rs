//! How the results were made, so that they can be made again.

use anyhow::Result;

use super::left;
use super::markup::{Html, section as titled};
use crate::report::{BeforeAfter, Report, thousands};

pub(super) fn section(report: &Report) -> Result<Html> {
    let command = report.details.made_by.iter().map(|made| Html::tag("pre", [Html::tag_text("code", &made.command)]));
    let facts = facts(report)
        .into_iter()
        .map(|(name, value)| Html::tag("tr", [Html::tag_text("th scope=\"row\"", name), Html::tag_text("td", value)]));
    let table = Html::tag("table class=\"facts\"", [Html::tag("tbody", facts)]);
    Ok(titled("How it was made", command.chain([table])))
}

fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("data set", report.data.clone()),
        ("seed", report.seed.to_string()),
        ("network before", report.arch.before.clone()),
        ("network after", report.arch.after.clone()),
        ("filters", change(report.filters)),
        ("weights", change(report.params)),
        ("multiply-accumulates", change(report.macs)),
        ("activations' ranges", report.observer.clone()),
        ("firmware", format!("profile {}", report.profile)),
        ("time", format!("{:.0} s", report.seconds.total)),
    ];
    if let Some(survey) = &report.details.survey {
        facts.push(("ranked on", format!("{} training images, entropy of order {}", survey.images, survey.alpha)));
    }
    if let Some(made) = &report.details.made_by {
        let (version, format, abi) = (&made.version, made.format_version, made.kernel_abi);
        facts.push(("versions", format!("secateur {version}, blob format {format}, kernel ABI {abi}")));
    }
    facts
}

fn change(of: BeforeAfter<usize>) -> String {
    let (before, after) = (of.before as u64, of.after as u64);
    format!("{} of {} ({})", thousands(after), thousands(before), left(before, after))
}
