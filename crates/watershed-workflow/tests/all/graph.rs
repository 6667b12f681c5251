//! Pictures of plans.

use crate::common::compiled;
use watershed_workflow::{GraphFormat, graph};

const BACKFILL: &str = include_str!("../../../../workflows/zoom-backfill.yaml");
const JOINS: &str = include_str!("../odd/join-in-a-branch.yaml");

#[derive(Debug, Clone, Copy)]
struct Rect {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

fn boxes(svg: &str) -> Vec<Rect> {
    svg.match_indices("<rect x=")
        .map(|(at, _)| {
            let tag = &svg[at..at + svg[at..].find('>').expect("the tag ends")];
            let number = |name: &str| {
                let from = tag.find(&format!(" {name}=\"")).expect("it is there") + name.len() + 3;
                let to = from + tag[from..].find('"').expect("it is quoted");
                tag[from..to].parse().expect("it is a number")
            };
            Rect {
                x: number("x"),
                y: number("y"),
                width: number("width"),
                height: number("height"),
            }
        })
        .collect()
}

#[test]
fn no_two_steps_overlap_and_none_leaves_the_picture() {
    let wide: String = (0..40)
        .map(|n| format!("  s{n}: {{ use: zoom.list_users, with: {{ status: active }} }}\n"))
        .collect();
    for text in [BACKFILL, JOINS, &format!("name: wide\nsteps:\n{wide}")] {
        let plan = compiled(text).plan;
        let svg = graph(&plan, GraphFormat::Svg);
        let boxes = boxes(&svg);
        assert_eq!(boxes.len(), plan.steps.len());
        let width: f64 = svg
            .split('"')
            .nth(3)
            .and_then(|v| v.split(' ').nth(2))
            .map_or(0.0, |w| w.parse().expect("the view box is of numbers"));
        for (at, a) in boxes.iter().enumerate() {
            assert!(a.x >= 0.0 && a.x + a.width <= width, "{a:?} in {width}");
            for b in &boxes[at + 1..] {
                let beside = a.x + a.width <= b.x + 0.2 || b.x + b.width <= a.x + 0.2;
                let beneath = a.y + a.height <= b.y || b.y + b.height <= a.y;
                assert!(beside || beneath, "{a:?} and {b:?}");
            }
        }
    }
}

#[test]
fn a_picture_stands_alone_and_has_two_grounds() {
    let svg = graph(&compiled(BACKFILL).plan, GraphFormat::Svg);
    assert!(svg.contains("prefers-color-scheme:dark"));
    let outside = svg.replace("http://www.w3.org/2000/svg", "");
    assert!(!outside.contains("http") && !svg.contains("<script"));
    let opened = svg.matches("<g").count();
    assert_eq!(opened, svg.matches("</g>").count());
}

#[test]
fn what_a_file_says_is_no_markup() {
    let text =
        BACKFILL.replace("description: All", "description: <script>alert(1)</script> & \"All\"");
    let svg = graph(
        &compiled(&text.replace("description: <", "description: |-\n  <")).plan,
        GraphFormat::Svg,
    );
    assert!(!svg.contains("<script"));
    assert!(svg.contains("&lt;script&gt;"));
}

#[test]
fn joins_are_dashed() {
    let plan = compiled(JOINS).plan;
    assert!(graph(&plan, GraphFormat::Svg).contains("<path class=\"waits\""));
    insta::assert_snapshot!("joins_in_mermaid", graph(&plan, GraphFormat::Mermaid));
    insta::assert_snapshot!("joins_in_dot", graph(&plan, GraphFormat::Dot));
}

#[test]
fn the_backfill_is_drawn_always_alike() {
    let plan = compiled(BACKFILL).plan;
    assert_eq!(graph(&plan, GraphFormat::Svg), graph(&plan, GraphFormat::Svg));
    insta::assert_snapshot!(graph(&plan, GraphFormat::Svg));
}
