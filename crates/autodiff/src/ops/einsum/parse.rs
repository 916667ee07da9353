//! Equations of letters into lists of labels.

use super::Label;
use crate::var::Var;

/// Labels of the axes of `...`, counted from the last one, come after those of letters.
const FURTHER: Label = 128;

/// The labels of each operand's axes and of the output's, or what is wrong with the equation.
pub(super) fn labels(equation: &str, ranks: &[usize]) -> Result<(Vec<Vec<Label>>, Vec<Label>), String> {
    let equation: String = equation.chars().filter(|c| !c.is_whitespace()).collect();
    let (inputs, output) = match equation.split_once("->") {
        Some((inputs, output)) => (inputs, Some(output)),
        None => (&equation[..], None),
    };
    let terms: Vec<&str> = inputs.split(',').collect();
    if ranks.is_empty() {
        return Err("there are no operands".into());
    }
    if terms.len() != ranks.len() {
        return Err(format!("it has {} terms for {} operands", terms.len(), ranks.len()));
    }
    let mut operands = Vec::new();
    let mut further = 0;
    for (i, (term, &rank)) in terms.iter().zip(ranks).enumerate() {
        let letters = term.replacen("...", "", 1).chars().count();
        let Some(more) = rank.checked_sub(letters).filter(|&more| more == 0 || term.contains("...")) else {
            return Err(format!("the term {term:?} names {letters} axes, operand {i} has {rank}"));
        };
        further = further.max(more);
        operands.push(expand(term, more)?);
    }
    let output = match output {
        Some(output) => {
            let shown = expand(output, further)?;
            for (i, label) in shown.iter().enumerate() {
                if shown[..i].contains(label) {
                    return Err(format!("the output {output:?} names an axis twice"));
                }
                if !operands.iter().flatten().any(|l| l == label) {
                    return Err(format!("the output {output:?} names an axis that no operand has"));
                }
            }
            shown
        }
        None => {
            let all: Vec<Label> = operands.concat();
            let once = |label: &Label| all.iter().filter(|l| *l == label).count() == 1;
            let letters = (0..FURTHER).filter(once);
            (0..further).rev().map(|i| FURTHER + i).chain(letters).collect()
        }
    };
    Ok((operands, output))
}

/// The labels of a term whose `...` stands for `further` axes.
fn expand(term: &str, further: usize) -> Result<Vec<Label>, String> {
    let more = (0..further).rev().map(|i| FURTHER + i);
    let letters = |part: &str| -> Result<Vec<Label>, String> {
        let label = |c: char| match c.is_ascii_alphabetic() {
            true => Ok(c as Label),
            false => Err(format!("{c:?} in the term {term:?} is neither a letter nor part of one ...")),
        };
        part.chars().map(label).collect()
    };
    match term.split_once("...") {
        Some((before, after)) => Ok(letters(before)?.into_iter().chain(more).chain(letters(after)?).collect()),
        None => letters(term),
    }
}

/// The shapes of operands, for messages.
pub(super) fn shapes(operands: &[&Var]) -> String {
    operands.iter().map(|x| x.to_shape().to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_found() {
        let label = |c: char| c as Label;
        let found = |equation, ranks: &[usize]| labels(equation, ranks).unwrap().1;
        assert_eq!(found("ij,jk", &[2, 2]), [label('i'), label('k')]);
        assert_eq!(found("b A", &[2]), [label('A'), label('b')]);
        assert_eq!(found("i...", &[3]), [FURTHER + 1, FURTHER, label('i')]);
        assert_eq!(found("...i,...->i", &[3, 1]), [label('i')]);
    }

    #[test]
    fn mistakes_are_named() {
        let why = |equation, ranks: &[usize]| labels(equation, ranks).unwrap_err();
        assert_eq!(why("ij,j->i", &[2]), "it has 2 terms for 1 operands");
        assert_eq!(why("ij->i", &[3]), "the term \"ij\" names 2 axes, operand 0 has 3");
        assert_eq!(why("ij->ii", &[2]), "the output \"ii\" names an axis twice");
        assert_eq!(why("ij->k", &[2]), "the output \"k\" names an axis that no operand has");
        assert_eq!(why("i.j", &[3]), "'.' in the term \"i.j\" is neither a letter nor part of one ...");
    }
}
