//! Checks at generated samples, and the way from a sample that fails to the simplest one.

use std::cell::{Cell, RefCell};
use std::panic::Location;

use chainrule_autodiff::declare::{Draw, Sample};
use chainrule_tensor::Tensor;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::check::{Check, failure, gather};
use crate::choices::{Choices, FRONT};
use crate::evidence::Evidence;
use crate::failure::{Failure, Verdict};
use crate::finding::{Finding, Outcome, Property, Tally};
use crate::panics::caught;
use crate::properties::{self, Variation, special_numbers};
use crate::regressions;
use crate::trial::{Line, Subject, Trial};

/// What is known of a function besides its samples; see [`Subject`].
#[derive(Clone, Copy)]
pub(crate) struct Traits {
    pub(crate) at: Option<&'static Location<'static>>,
    pub(crate) linear: bool,
    pub(crate) every_dtype: bool,
}

/// A function that comes with a generator of samples.
pub(crate) struct Generated<'a> {
    pub(crate) check: &'a Check,
    pub(crate) name: &'a str,
    pub(crate) traits: Traits,
    pub(crate) sample: &'a dyn Fn(&mut Draw) -> Sample,
}

/// Failing samples that a diagnosis is made from, and how many samples are looked at to find them.
const EVIDENCE: usize = 4;
const SEARCHED: usize = 60;
/// Inputs with at most so many elements are rounded to simpler numbers.
const ROUNDED: usize = 32;

impl Generated<'_> {
    pub(crate) fn run(&self) -> Verdict {
        let (tally, wanted) = (RefCell::new(Tally::default()), Cell::new(None));
        let cases =
            std::env::var("CHAINRULE_CHECK_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(self.check.cases);
        let test = |choices: Vec<u64>| {
            let mut counted = Tally { cases: 1, ..Tally::default() };
            let outcome = self.case(&choices, wanted.get(), &mut counted);
            if wanted.get().is_none() {
                tally.borrow_mut().absorb(counted);
            }
            // While a sample is made simpler, it must go on failing in the same way.
            match outcome {
                Err(finding) if wanted.get().is_none_or(|wanted| wanted == finding.property) => {
                    wanted.set(Some(finding.property));
                    Err(TestCaseError::fail(finding.property.to_string()))
                }
                _ => Ok(()),
            }
        };
        let file = self.check.regressions.as_deref();
        let known = file.map_or(vec![], |file| regressions::read(file, self.name));
        let mut runner = self.runner(cases, self.check.seed);
        let failed = match known.into_iter().find(|choices| test(choices.clone()).is_err()) {
            Some(choices) => Some(choices),
            None => match runner.run(&Choices, test) {
                Ok(()) => None,
                Err(TestError::Fail(_, choices)) => Some(choices),
                Err(TestError::Abort(reason)) => unreachable!("no sample is ever rejected: {reason}"),
            },
        };
        if let (Some(file), Some(choices)) = (file, &failed) {
            regressions::add(file, self.name, choices);
        }
        let tally = tally.into_inner();
        let failure = failed.map(|choices| Box::new(self.report(&choices, wanted.get(), tally.cases)));
        Verdict { subject: self.name.into(), tally, failure }
    }

    fn runner(&self, cases: usize, seed: u64) -> TestRunner {
        let config = Config {
            cases: cases.try_into().unwrap_or(u32::MAX),
            failure_persistence: None,
            max_shrink_iters: self.check.shrinking,
            verbose: 0,
            ..Config::default()
        };
        // FNV-1a: each name has samples of its own.
        let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let name = self.name.bytes().fold(0xcbf2_9ce4_8422_2325, hash);
        let bytes: Vec<u8> = [name, seed, 0, 0].iter().flat_map(|part| part.to_le_bytes()).collect();
        TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
    }

    fn subject<'s>(&self, sample: &'s Sample) -> Subject<'s> {
        let Traits { at, linear, every_dtype } = self.traits;
        Subject { call: &sample.call, at, linear, every_dtype }
    }

    /// The sample of a stream of choices.
    fn drawn(&self, choices: &[u64]) -> Result<Sample, Box<Finding>> {
        let stream = choices.get(FRONT..).unwrap_or(&[]);
        caught(|| (self.sample)(&mut Draw::new(stream)))
            .map_err(|panic| Finding::new(Property::Runs, format!("drawing a sample panics: {panic}")))
    }

    fn case(&self, choices: &[u64], only: Option<Property>, tally: &mut Tally) -> Outcome {
        let sample = self.drawn(choices)?;
        let (subject, variation) = (self.subject(&sample), variation(choices));
        match only {
            // What the op may remember of its first call must be the same as when it failed.
            Some(Property::SpecialNumbers) => drop(Trial::new(&subject, sample.inputs.clone())),
            _ => self.ordinary(&subject, sample.inputs.clone(), variation, only, tally)?,
        }
        match special(&sample, variation) {
            Some((inputs, places)) if only.is_none_or(|only| only == Property::SpecialNumbers) => {
                self.special(&subject, inputs, &places, tally)
            }
            _ => Ok(()),
        }
    }

    fn ordinary(
        &self,
        subject: &Subject,
        inputs: Vec<Tensor>,
        variation: Variation,
        only: Option<Property>,
        tally: &mut Tally,
    ) -> Outcome {
        let trial = Trial::new(subject, inputs).map_err(|panic| Finding::new(Property::Runs, panic.to_string()))?;
        properties::check(&trial, variation, self.check.order, only, tally)
    }

    fn special(&self, subject: &Subject, inputs: Vec<Tensor>, places: &[Line], tally: &mut Tally) -> Outcome {
        // These numbers may lie outside the domain: then the function may panic, and differences decide nothing.
        let Ok(trial) = Trial::new(subject, inputs) else { return Ok(()) };
        let mut counted = Tally::default();
        let outcome = special_numbers(&trial, places, &mut counted);
        tally.absorb(Tally { undecided: 0, ..counted });
        outcome
    }

    /// The outcome at given inputs, for a sample whose numbers were changed by hand.
    fn at(&self, sample: &Sample, inputs: &[Tensor], variation: Variation, property: Property) -> Outcome {
        let (subject, mut tally) = (self.subject(sample), Tally::default());
        if property != Property::SpecialNumbers {
            return self.ordinary(&subject, inputs.to_vec(), variation, Some(property), &mut tally);
        }
        let places = special(sample, variation).map_or(vec![], |(_, places)| places);
        self.special(&subject, inputs.to_vec(), &places, &mut tally)
    }

    fn report(&self, choices: &[u64], property: Option<Property>, cases: usize) -> Failure {
        let (first, property) =
            (self.case(choices, property, &mut Tally::default()), property.unwrap_or(Property::Runs));
        let found = format!("found in case {cases}; simplest after shrinking");
        let (sample, finding) = match (self.drawn(choices), first) {
            (Ok(sample), Err(finding)) => (sample, finding),
            (Err(finding), _) => return self.without_sample(*finding, found),
            (Ok(sample), Ok(())) => {
                let text = "it failed, and when it was repeated it did not: it depends on something that changes";
                (sample, Finding::new(Property::Deterministic, text))
            }
        };
        let variation = variation(choices);
        let mut inputs = sample.inputs.clone();
        if let (Property::SpecialNumbers, Some((special, _))) = (property, special(&sample, variation)) {
            drop(Trial::new(&self.subject(&sample), inputs));
            inputs = special;
        }
        let mut finding = finding;
        if inputs.iter().map(Tensor::len).sum::<usize>() <= ROUNDED {
            self.round(&sample, &mut inputs, variation, property, &mut finding);
        }
        let others = self.others(property);
        let subjects: Vec<(Subject, &Vec<Tensor>)> = [(self.subject(&sample), &inputs)]
            .into_iter()
            .chain(others.iter().map(|(sample, inputs)| (self.subject(sample), inputs)))
            .collect();
        let at = |(subject, inputs)| gather(&Trial::new(subject, Vec::clone(inputs)).ok()?, property);
        let evidence: Vec<Evidence> = subjects.iter().filter_map(|(s, x)| at((s, x))).take(EVIDENCE).collect();
        let inputs = inputs.clone();
        failure(self.name, &self.subject(&sample), *finding, inputs, &sample.source, &evidence, found)
    }

    fn without_sample(&self, finding: Finding, found: String) -> Failure {
        let (subject, inputs, source) = (self.name.into(), vec![], "panics before there is one".into());
        Failure { subject, finding, inputs, source, entries: vec![], diagnosis: None, found, cause: None }
    }

    /// Puts round numbers in place of odd ones as long as the same property fails.
    fn round(
        &self,
        sample: &Sample,
        inputs: &mut [Tensor],
        variation: Variation,
        property: Property,
        finding: &mut Box<Finding>,
    ) {
        for argument in 0..inputs.len() {
            for element in 0..inputs[argument].len() {
                let before = inputs[argument].clone();
                let mut numbers = before.to_f64_vec();
                let x = numbers[element];
                for simpler in [x.round(), (x * 10.0).round() / 10.0] {
                    if simpler == x || simpler == 0.0 {
                        continue;
                    }
                    numbers[element] = simpler;
                    inputs[argument] = Tensor::from_vec(numbers.clone(), before.shape());
                    match self.at(sample, inputs, variation, property) {
                        Err(again) if again.property == property => {
                            *finding = again;
                            break;
                        }
                        _ => inputs[argument] = before.clone(),
                    }
                }
            }
        }
    }

    /// Samples that fail like the one at hand, but are larger: the simplest fits too many explanations.
    fn others(&self, property: Property) -> Vec<(Sample, Vec<Tensor>)> {
        let mut runner = self.runner(1, self.check.seed ^ 1);
        let streams = (0..SEARCHED).filter_map(|_| Choices.new_tree(&mut runner).ok()).map(|tree| tree.current());
        let sample = |choices: Vec<u64>| {
            let sample = self.drawn(&choices).ok()?;
            let inputs = match (property, special(&sample, variation(&choices))) {
                (Property::SpecialNumbers, special) => {
                    drop(Trial::new(&self.subject(&sample), sample.inputs.clone()));
                    special?.0
                }
                _ => sample.inputs.clone(),
            };
            Some((sample, inputs))
        };
        streams.filter_map(sample).collect()
    }
}

fn variation(choices: &[u64]) -> Variation {
    let at = |i: usize| choices.get(i).copied().unwrap_or(0);
    Variation { layout: at(0) % 25, special: at(1) % 10, places: at(2) }
}

/// Special numbers that are put into inputs at most.
const PLACES: usize = 8;

/// A number at which exponentials overflow.
pub(crate) const FAR: f64 = 1e4;

/// The inputs with 0, −0, 1, −1, far or equal numbers in some places, and those places.
fn special(sample: &Sample, variation: Variation) -> Option<(Vec<Tensor>, Vec<Line>)> {
    if !sample.special {
        return None;
    }
    let inputs = &sample.inputs;
    let mut numbers: Vec<Vec<f64>> = inputs.iter().map(Tensor::to_f64_vec).collect();
    let mut places = Vec::new();
    let all: Vec<(usize, usize)> =
        numbers.iter().enumerate().flat_map(|(k, x)| (0..x.len()).map(move |i| (k, i))).collect();
    for (at, &(argument, element)) in all.iter().enumerate() {
        if variation.places >> (at % 16) & 1 == 0 || places.len() == PLACES {
            continue;
        }
        numbers[argument][element] = match variation.special {
            0 => return None,
            1 => 0.0,
            2 => 1.0,
            3 => -1.0,
            5 => FAR,
            6 => -FAR,
            7 => -0.0,
            8 => numbers[argument].iter().copied().fold(f64::NEG_INFINITY, f64::max),
            9 => numbers[argument].iter().copied().fold(f64::INFINITY, f64::min),
            _ => numbers[argument][0],
        };
        places.push(Line::Element { argument, element });
    }
    let tensor = |(numbers, x): (Vec<f64>, &Tensor)| Tensor::from_vec(numbers, x.shape());
    (!places.is_empty()).then(|| (numbers.into_iter().zip(inputs).map(tensor).collect(), places))
}
