//! Mermaid and Graphviz.

use std::fmt::Write;

use super::Picture;

pub(super) fn mermaid(picture: &Picture<'_>) -> String {
    let mut text = String::from("flowchart TD\n");
    for (at, node) in picture.nodes.iter().enumerate() {
        let lines = [node.name, node.operation, &node.fan_out];
        let lines: Vec<String> =
            lines.iter().filter(|l| !l.is_empty()).map(|l| entities(l)).collect();
        let (open, close) = if node.join { ("{{", "}}") } else { ("[", "]") };
        let _ = writeln!(text, "    s{at}{open}\"{}\"{close}", lines.join("<br/>"));
    }
    for edge in &picture.edges {
        let arrow = if edge.waits { "-.->" } else { "-->" };
        let label = edge.label.map(|l| format!("|\"{}\"|", entities(l))).unwrap_or_default();
        let _ = writeln!(text, "    s{} {arrow}{label} s{}", edge.from, edge.to);
    }
    text
}

pub(super) fn dot(picture: &Picture<'_>) -> String {
    let mut text = format!("digraph \"{}\" {{\n", quoted(picture.title));
    text.push_str("    node [shape=box, style=rounded, fontname=\"sans-serif\"];\n");
    for (at, node) in picture.nodes.iter().enumerate() {
        let lines = [node.name, node.operation, &node.fan_out];
        let lines: Vec<String> =
            lines.iter().filter(|l| !l.is_empty()).map(|l| quoted(l)).collect();
        let style = if node.join { ", style=\"rounded,dashed\"" } else { "" };
        let _ = writeln!(text, "    s{at} [label=\"{}\"{style}];", lines.join("\\n"));
    }
    for edge in &picture.edges {
        let mut marks = Vec::new();
        marks.extend(edge.label.map(|label| format!("label=\"{}\"", quoted(label))));
        marks.extend(edge.waits.then(|| "style=dashed".to_owned()));
        let marks =
            if marks.is_empty() { String::new() } else { format!(" [{}]", marks.join(", ")) };
        let _ = writeln!(text, "    s{} -> s{}{marks};", edge.from, edge.to);
    }
    text.push_str("}\n");
    text
}

fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// What would end a label, or be taken for markup, as entities.
fn entities(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('#', "&num;")
}
