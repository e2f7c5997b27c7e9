//! `docs/rule-support.md`, from the table.

use std::fmt::Write as _;

use super::{Category, Form, Keyword, all};

const MANUAL: &str = "https://docs.suricata.io/en/suricata-7.0.10/rules/";

const CATEGORIES: &[(Category, &str)] = &[
    (Category::Meta, "About the rule"),
    (Category::Packet, "Packet properties"),
    (Category::Payload, "Bytes"),
    (Category::State, "State and effects"),
    (Category::Buffer, "Sticky buffers"),
    (Category::Modifier, "Buffers named after the content (older form)"),
    (Category::Transform, "Transforms"),
    (Category::App, "Application protocols and files"),
];

/// The page, in Markdown.
#[must_use]
pub fn page() -> String {
    let supported = all().iter().filter(|keyword| keyword.support.is_some()).count();
    let mut page = String::from(include_str!("page_head.md"));
    let _ = writeln!(page, "## Keywords\n\n{supported} of {} are supported.\n", all().len());
    page.push_str(
        "| keyword | value | since | manual | notes |\n| --- | --- | --- | --- | --- |\n",
    );
    for keyword in all().iter() {
        supported_row(&mut page, keyword);
    }
    page.push_str(
        "\n## Not supported yet\n\nA rule that uses one of these is refused; each is named.\n",
    );
    for &(category, title) in CATEGORIES {
        let mut names: Vec<String> = Vec::new();
        for keyword in all().iter().filter(|keyword| keyword.support.is_none()) {
            if keyword.category == category {
                names.push(name(keyword));
            }
        }
        if !names.is_empty() {
            let _ = writeln!(page, "\n**{title}:** {}.", names.join(", "));
        }
    }
    page
}

fn name(keyword: &Keyword) -> String {
    let mut text = format!("`{}`", keyword.name);
    if let Some((first, more)) = keyword.aliases.split_first() {
        let _ = write!(text, " (or `{first}`");
        for alias in more {
            let _ = write!(text, ", `{alias}`");
        }
        text.push(')');
    }
    text
}

fn supported_row(page: &mut String, keyword: &Keyword) {
    let Some(support) = &keyword.support else { return };
    let form = match support.form {
        Form::Bare => "none",
        Form::Plain => "plain",
        Form::Optional => "plain or none",
        Form::Quoted => "quoted",
        Form::Negatable => "quoted, `!` negates",
        Form::Loose => "quotes optional, `!` negates",
    };
    let (page_name, _) = keyword.section.split_once(".html").unwrap_or((keyword.section, ""));
    let _ = writeln!(
        page,
        "| {} | {form} | {} | [{page_name}]({MANUAL}{}) | {} |",
        name(keyword),
        support.since,
        keyword.section,
        support.note.replace('|', "\\|"),
    );
}
