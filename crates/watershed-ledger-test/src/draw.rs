//! Random plans: up to eight steps, nests of five levels, joins anywhere.

use watershed_model::{Category, OnFailure, Order};

use crate::dice::Dice;
use crate::sketch::{From, Line, Shape, shape};

/// A plan of at most that many steps.
pub(crate) fn draw(dice: &mut Dice, steps_max: u64) -> Shape {
    let wanted = 1 + dice.index(steps_max.max(1) as usize);
    let mut lines = vec![dressed(dice, root(dice.clone().chance(50)))];
    // A line that would make a join wait for itself is drawn again, a few times.
    for _ in 0..wanted * 4 {
        if lines.len() >= wanted {
            break;
        }
        let from = source(dice, lines.len());
        let mut longer = lines.clone();
        longer.push(dressed(dice, from));
        if shape(longer.clone()).is_some_and(|s| s.paths.iter().all(|p| p.len() <= 6)) {
            lines = longer;
        }
    }
    shape(lines).expect("only lines that fit were kept")
}

fn root(literals: bool) -> From {
    if literals { From::Literals(2) } else { From::Run }
}

fn source(dice: &mut Dice, steps: usize) -> From {
    match dice.below(20) {
        0 => root(dice.chance(50)),
        1 => From::Literals(1 + dice.below(3) as u8),
        2..=9 => {
            // The last steps are drawn more often: nests get deep.
            let back = if dice.chance(60) { steps.min(2) } else { steps };
            From::Each(vec![(steps - 1 - dice.index(back), dice.chance(25))])
        }
        10..=12 => {
            let mut sources: Vec<(usize, bool)> = Vec::new();
            for _ in 0..2 + dice.below(2) {
                let one = (dice.index(steps), dice.chance(25));
                if !sources.contains(&one) {
                    sources.push(one);
                }
            }
            From::Each(sources)
        }
        _ => {
            let mut needs: Vec<usize> = (0..1 + dice.below(2)).map(|_| dice.index(steps)).collect();
            needs.sort_unstable();
            needs.dedup();
            From::Needs(needs)
        }
    }
}

fn dressed(dice: &mut Dice, from: From) -> Line {
    let mut line = Line::new(from);
    line.windows = dice.chance(15);
    line.once = dice.chance(20) && !matches!(line.from, From::Needs(_));
    line.category = match dice.below(6) {
        0 => None,
        1 | 2 => Some(Category::Light),
        3 | 4 => Some(Category::Medium),
        _ => Some(Category::Heavy),
    };
    if dice.chance(25) {
        line.order = Order::NewestFirst;
    }
    if dice.chance(4) {
        line.on_failure = OnFailure::FailRun;
    }
    line.tolerate = if dice.chance(15) { 0.05 } else { 1.0 };
    line.continues = dice.chance(20);
    line
}
