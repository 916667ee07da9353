//! Two numbers in: `+ − × ÷`, powers, extrema, angles; and the choice between two.

use std::ops::{Add, Div, Mul, Neg, Sub};

use chainrule_tensor::Tensor;

use crate::declare::{Declaration, Draw, Family, Sample};
use crate::op::{Op, Saves};
use crate::ops::formula::{Side, pairs};
use crate::var::Var;

pairs! {
    /// The larger of two numbers; a NaN wins. Where they are equal, the slope is ½ for both; beside a NaN, 1.
    maximum(a, b) = a.maximum(b);
        by a = when(a.below(b), 0.0, when(a.equals(b), 0.5, 1.0));
        by b = when(a.above(b), 0.0, when(a.equals(b), 0.5, 1.0));
        on -3.0..3.0, -2.953..3.047; torch "maximum";

    /// The smaller of two numbers; a NaN wins. Where they are equal, the slope is ½ for both; beside a NaN, 1.
    minimum(a, b) = a.minimum(b);
        by a = when(a.above(b), 0.0, when(a.equals(b), 0.5, 1.0));
        by b = when(a.below(b), 0.0, when(a.equals(b), 0.5, 1.0));
        on -3.0..3.0, -2.953..3.047; torch "minimum";

    /// The power aᵇ. Slopes at a = 0: by a, 0 where b = 0; by b, 0 where b ≥ 0.
    pow(a, b) = a.pow(b);
        by a = when(b.equals(0.0), 0.0, b * a.pow(b - 1.0));
        by b = when(b.below(0.0), a.pow(b) * a.log(), when(a.equals(0.0), 0.0, a.pow(b) * a.log()));
        on 0.2..3.0, -2.0..2.0; torch "pow";

    /// The angle of the point (b, a), between −π and π. Slopes at (0, 0): 0.
    atan2(a, b) = a.atan2(b);
        by a = when((a * a + b * b).equals(0.0), 0.0, b / (a * a + b * b));
        by b = when((a * a + b * b).equals(0.0), 0.0, -a / (a * a + b * b));
        on 0.2..3.0, -3.0..3.0; torch "atan2";

    /// The hypotenuse √(a² + b²), without overflow. Slopes at (0, 0): 0.
    hypot(a, b) = a.hypot(b);
        by a = when(a.equals(0.0), 0.0, a / a.hypot(b));
        by b = when(b.equals(0.0), 0.0, b / a.hypot(b));
        on 0.2..3.0, -3.0..3.0; torch "hypot";
}

/// `a + b`
struct Sum;
impl Op<2> for Sum {
    fn name(&self) -> &'static str {
        "add"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [a, b]: [&Tensor; 2]) -> Tensor {
        a + b
    }
    fn backward(&self, _: usize, g: &Var, _: [&Var; 2], _: &Var) -> Var {
        g.clone()
    }
}

/// `a − b`
struct Difference;
impl Op<2> for Difference {
    fn name(&self) -> &'static str {
        "sub"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [a, b]: [&Tensor; 2]) -> Tensor {
        a - b
    }
    fn backward(&self, wrt: usize, g: &Var, _: [&Var; 2], _: &Var) -> Var {
        match wrt {
            0 => g.clone(),
            _ => -g,
        }
    }
}

/// `a · b`
struct Product;
impl Op<2> for Product {
    fn name(&self) -> &'static str {
        "mul"
    }
    fn saves(&self) -> Saves {
        Saves::Others
    }
    fn forward(&self, [a, b]: [&Tensor; 2]) -> Tensor {
        a * b
    }
    fn backward(&self, wrt: usize, g: &Var, [a, b]: [&Var; 2], _: &Var) -> Var {
        match wrt {
            0 => g * b,
            _ => g * a,
        }
    }
}

/// `a / b`
struct Quotient;
impl Op<2> for Quotient {
    fn name(&self) -> &'static str {
        "div"
    }
    fn saves(&self) -> Saves {
        Saves::Inputs
    }
    fn forward(&self, [a, b]: [&Tensor; 2]) -> Tensor {
        a / b
    }
    fn backward(&self, wrt: usize, g: &Var, [a, b]: [&Var; 2], _: &Var) -> Var {
        match wrt {
            0 => g / b,
            _ => -g * (a / b) / b,
        }
    }
}

/// Arithmetic with a plain number on one side.
#[derive(Clone, Copy)]
enum WithNumber {
    /// x + c
    Plus(f64),
    /// x − c
    Minus(f64),
    /// x · c
    Times(f64),
    /// x / c
    Over(f64),
    /// c − x
    Less(f64),
    /// c / x
    Under(f64),
}

impl Op<1> for WithNumber {
    fn name(&self) -> &'static str {
        match self {
            WithNumber::Plus(_) => "add",
            WithNumber::Times(-1.0) => "neg",
            WithNumber::Times(_) => "mul",
            WithNumber::Minus(_) | WithNumber::Less(_) => "sub",
            WithNumber::Over(_) | WithNumber::Under(_) => "div",
        }
    }
    fn saves(&self) -> Saves {
        match self {
            WithNumber::Under(_) => Saves::Inputs,
            _ => Saves::Nothing,
        }
    }
    fn forward(&self, [x]: [&Tensor; 1]) -> Tensor {
        match *self {
            WithNumber::Plus(c) => x + c,
            WithNumber::Minus(c) => x - c,
            WithNumber::Times(c) => x * c,
            WithNumber::Over(c) => x / c,
            WithNumber::Less(c) => c - x,
            WithNumber::Under(c) => c / x,
        }
    }
    fn backward(&self, _: usize, g: &Var, [x]: [&Var; 1], _: &Var) -> Var {
        match *self {
            WithNumber::Plus(_) | WithNumber::Minus(_) => g.clone(),
            WithNumber::Times(c) => g.times_number(c),
            WithNumber::Over(c) => g / c,
            WithNumber::Less(_) => -g,
            WithNumber::Under(c) => g * (-c / (x * x)),
        }
    }
}

/// `a` where the mask holds, else `b`.
struct Choose {
    mask: Tensor,
}
impl Op<2> for Choose {
    fn name(&self) -> &'static str {
        "where"
    }
    fn saves(&self) -> Saves {
        Saves::Nothing
    }
    fn forward(&self, [a, b]: [&Tensor; 2]) -> Tensor {
        self.mask.choose(a, b)
    }
    fn backward(&self, wrt: usize, g: &Var, _: [&Var; 2], _: &Var) -> Var {
        let zero = Var::constant(Tensor::zeros([], g.dtype()));
        match wrt {
            0 => Var::choose(&self.mask, g, &zero),
            _ => Var::choose(&self.mask, &zero, g),
        }
    }
}

impl Var {
    /// Elements of `a` where the `bool` tensor holds, else of `b`, variables or numbers, all broadcast to one shape. The side not chosen gets
    /// gradient 0, whatever is there. What made an infinite slope there before is avoided by [`choose_of`](Var::choose_of).
    ///
    /// # Panics
    /// When the mask is not `bool`, the types of `a` and `b` differ or the shapes do not broadcast.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![-1., 4.]);
    /// let y = Var::choose(&tensor![false, true], &x, 0.0);
    /// assert_eq!(y.sum().backward()[&x].to_vec::<f32>(), [0., 1.]);
    /// ```
    #[track_caller]
    pub fn choose(mask: &Tensor, a: impl Into<Side>, b: impl Into<Side>) -> Var {
        let [a, b] = match [a.into(), b.into()] {
            [Side::Var(a), b] => [a.clone(), b.with_type_of(&a)],
            [a, Side::Var(b)] => [a.with_type_of(&b), b],
            [Side::Number(a), Side::Number(b)] => [Var::constant(a), Var::constant(b)],
        };
        Choose { mask: mask.clone() }.apply([&a, &b])
    }

    /// `f` of this variable where the mask holds, else `other`, a variable or a number. `f` sees the number `stand_in` instead of what it is
    /// not to see: an infinite or undefined slope there would reach this variable as 0 · ∞ = NaN from any choice made after `f`.
    ///
    /// # Panics
    /// When the mask is not `bool` or shapes do not broadcast; and as `f`.
    ///
    /// ```
    /// # use chainrule_autodiff::Var;
    /// # use chainrule_tensor::tensor;
    /// let x = Var::leaf(tensor![0., 4.]);
    /// let y = x.choose_of(&tensor![false, true], 1.0, |x| x.sqrt(), 0.0);
    /// assert_eq!(y.sum().backward()[&x].to_vec::<f32>(), [0., 0.25]);
    /// ```
    #[track_caller]
    pub fn choose_of(&self, mask: &Tensor, stand_in: f64, f: impl FnOnce(&Var) -> Var, other: impl Into<Side>) -> Var {
        let y = f(&Var::choose(mask, self, stand_in));
        Var::choose(mask, &y, other)
    }

    /// This variable times a number that is often 0 or 1.
    #[track_caller]
    pub(crate) fn times_number(&self, c: f64) -> Var {
        match c {
            0.0 => Var::constant(self.value().zeros_like()),
            1.0 => self.clone(),
            _ => self * c,
        }
    }
}

impl Side {
    /// A number becomes a constant of the other side's type.
    pub(crate) fn with_type_of(self, other: &Var) -> Var {
        match self {
            Side::Number(x) => Var::constant(Tensor::scalar(x, other.dtype())),
            Side::Var(x) => x,
        }
    }
}

macro_rules! operators {
    ($($op:ident $method:ident $pair:ident $right:path, $left:path;)*) => {$(
        impl $op<&Var> for &Var {
            type Output = Var;
            #[track_caller]
            fn $method(self, b: &Var) -> Var { $pair.apply([self, b]) }
        }
        impl $op<Var> for Var {
            type Output = Var;
            #[track_caller]
            fn $method(self, b: Var) -> Var { $pair.apply([&self, &b]) }
        }
        impl $op<&Var> for Var {
            type Output = Var;
            #[track_caller]
            fn $method(self, b: &Var) -> Var { $pair.apply([&self, b]) }
        }
        impl $op<Var> for &Var {
            type Output = Var;
            #[track_caller]
            fn $method(self, b: Var) -> Var { $pair.apply([self, &b]) }
        }
        impl $op<f64> for &Var {
            type Output = Var;
            #[track_caller]
            fn $method(self, b: f64) -> Var { $right(b).apply([self]) }
        }
        impl $op<f64> for Var {
            type Output = Var;
            #[track_caller]
            fn $method(self, b: f64) -> Var { $right(b).apply([&self]) }
        }
        impl $op<&Var> for f64 {
            type Output = Var;
            #[track_caller]
            fn $method(self, b: &Var) -> Var { $left(self).apply([b]) }
        }
        impl $op<Var> for f64 {
            type Output = Var;
            #[track_caller]
            fn $method(self, b: Var) -> Var { $left(self).apply([&b]) }
        }
    )*};
}
operators! {
    Add add Sum WithNumber::Plus, WithNumber::Plus;
    Sub sub Difference WithNumber::Minus, WithNumber::Less;
    Mul mul Product WithNumber::Times, WithNumber::Times;
    Div div Quotient WithNumber::Over, WithNumber::Under;
}

impl Neg for &Var {
    type Output = Var;
    #[track_caller]
    fn neg(self) -> Var {
        WithNumber::Times(-1.0).apply([self])
    }
}

impl Neg for Var {
    type Output = Var;
    #[track_caller]
    fn neg(self) -> Var {
        -&self
    }
}

fn two(draw: &mut Draw, b: [f64; 2], source: &str, call: fn(&Var, &Var) -> Var) -> Sample {
    let [x, y] = draw.broadcasting_shapes();
    let inputs = [draw.reals(&x), draw.tensor(&y, b[0], b[1])];
    Sample::new(inputs, source, move |x| call(&x[0], &x[1]))
}

fn one(draw: &mut Draw, source: &str, call: fn(&Var) -> Var) -> Sample {
    let shape = draw.shape();
    Sample::new([draw.tensor(&shape, 0.3, 3.0)], source, move |x| call(&x[0]))
}

const ANY: [f64; 2] = [-3.0, 3.0];

/// What these ops say about themselves.
pub(crate) const DECLARED: &[Declaration] = &[
    Declaration::new(Family::Product, "add", "add", "a + b", "g, g", |d| two(d, ANY, "&x[0] + &x[1]", |a, b| a + b)),
    Declaration::new(Family::Product, "sub", "sub", "a - b", "g, -g", |d| two(d, ANY, "&x[0] - &x[1]", |a, b| a - b)),
    Declaration::new(Family::Product, "mul", "mul", "a · b", "g·b, g·a", |d| {
        two(d, ANY, "&x[0] * &x[1]", |a, b| a * b)
    }),
    Declaration::new(Family::Product, "div", "div", "a / b", "g/b, -g·a/b²", |d| {
        two(d, [0.3, 3.0], "&x[0] / &x[1]", |a, b| a / b)
    }),
    Declaration::linear("add_number", "add", "x + c", "g", |d| one(d, "&x[0] + 1.5", |x| x + 1.5)),
    Declaration::linear("mul_number", "mul", "c · x", "c·g", |d| one(d, "&x[0] * 1.5", |x| x * 1.5)),
    Declaration::linear("div_by_number", "div", "x / c", "g / c", |d| one(d, "&x[0] / 1.5", |x| x / 1.5)),
    Declaration::linear("sub_number", "sub", "x - c", "g", |d| one(d, "&x[0] - 1.5", |x| x - 1.5)),
    Declaration::linear("rsub", "rsub", "c - x", "-g", |d| one(d, "1.5 - &x[0]", |x| 1.5 - x)),
    Declaration::new(Family::Elementwise, "number_div", "div", "c / x", "-g·c/x²", |d| {
        one(d, "1.5 / &x[0]", |x| 1.5 / x)
    }),
    Declaration::linear("neg", "neg", "-x", "-g", |d| one(d, "-&x[0]", |x| -x)),
    Declaration::linear("choose", "where", "a where the mask holds, else b", "g where it holds, g elsewhere", |d| {
        let [a, b] = d.broadcasting_shapes();
        let shape = chainrule_tensor::broadcast_shapes(&a, &b).expect("drawn to broadcast");
        let mask = d.mask(&shape);
        let source = format!("Var::choose(&tensor!{:?}, &x[0], &x[1])", mask.to_vec::<bool>());
        Sample::new([d.reals(&a), d.reals(&b)], source, move |x| Var::choose(&mask, &x[0], &x[1]))
    }),
    Declaration::new(
        Family::Composite,
        "choose_of",
        "where",
        "f(x) where the mask holds, else b",
        "g · f'(x) where it holds",
        |d| {
            let shape = d.shape();
            let mask = d.mask(&shape);
            let source = format!("x[0].choose_of(&tensor!{:?}, 1.0, Var::square, &x[1])", mask.to_vec::<bool>());
            Sample::new([d.reals(&shape), d.reals(&shape)], source, move |x| {
                x[0].choose_of(&mask, 1.0, Var::square, &x[1])
            })
        },
    ),
];
