//! Functions of the difference between prediction and target, number by number.

use chainrule_tensor::Tensor;

use super::{Reduce, expect_same};
use crate::declare::{Declaration, Draw, Family, Sample};
use crate::ops::formula::when;
use crate::var::Var;

/// Two tensors of one shape whose differences keep away from 0, ½ and 1.
fn operands(d: &mut Draw) -> [Tensor; 2] {
    let shape = d.positive_shape();
    [d.tensor(&shape, -3.0, 3.0), d.tensor(&shape, -2.953, 3.047)]
}

/// Turns rows into losses. A row reads: short name, name with settings (difference; setting = usual value) = formula; the name in PyTorch.
macro_rules! distances {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident, $with:ident($d:ident $(; $p:ident = $default:literal)?) = $value:expr;
            torch $torch:literal;
    )+) => {
        impl Var {$(
            $(#[doc = $doc])+
            ///
            /// # Panics
            /// When shapes or types differ. (Shapes do not broadcast: that hides mistakes.)
            ///
            /// ```
            /// # use chainrule_autodiff::Var;
            /// # use chainrule_tensor::tensor;
            /// let (y, target) = (Var::leaf(tensor![1., 2.]), Var::constant(tensor![3., 2.]));
            #[doc = concat!("let loss = y.", stringify!($name), "(&target);")]
            /// assert!(loss.item() > 0.0);
            /// assert!(loss.backward()[&y].to_vec::<f32>()[0] < 0.0);
            /// ```
            #[track_caller]
            pub fn $name(&self, target: &Var) -> Var {
                self.$with(target, $($default,)? Reduce::Mean)
            }

            #[doc = concat!("As [`", stringify!($name), "`](Var::", stringify!($name), "), with all settings.")]
            ///
            /// # Panics
            /// When shapes or types differ.
            #[track_caller]
            pub fn $with(&self, target: &Var, $($p: f64,)? reduce: Reduce) -> Var {
                expect_same(stringify!($name), self, target);
                let $d = self - target;
                let losses: Var = $value;
                reduce.of(&losses)
            }
        )+}

        /// What these ops say about themselves.
        pub(crate) const DECLARED: &[Declaration] = &[$(
            Declaration::new(Family::Composite, stringify!($name), $torch, stringify!($value), "of its parts", |d| {
                Sample::new(operands(d), concat!("x[0].", stringify!($name), "(&x[1])"), |x| x[0].$name(&x[1]))
            }),
            Declaration::new(Family::Composite, stringify!($with), $torch, stringify!($value), "of its parts", |d| {
                $(let $p = d.pick(&[$default, 0.5]);)?
                let reduce = Reduce::drawn(d);
                let settings: Vec<String> = vec![$(format!("{:?}, ", $p))?];
                let source = format!("x[0].{}(&x[1], {}Reduce::{reduce:?})", stringify!($with), settings.concat());
                Sample::new(operands(d), source, move |x| x[0].$with(&x[1], $($p,)? reduce))
            }),
        )+];
    };
}

distances! {
    /// The mean square of the differences d: mean d².
    mse_loss, mse_loss_with(d) = d.square();
        torch "nn.functional.mse_loss";

    /// The mean size of the differences d: mean |d|. Slope at 0: 0.
    l1_loss, l1_loss_with(d) = d.abs();
        torch "nn.functional.l1_loss";

    /// The mean of d² / (2·`beta`) where |d| < `beta`, else |d| − `beta`/2: as [`l1_loss`](Var::l1_loss), without its corner. `beta` is 1 by default.
    ///
    /// Source: Girshick, Fast R-CNN, 2015.
    smooth_l1_loss, smooth_l1_loss_with(d; beta = 1.0) = if beta == 0.0 {
        d.abs()
    } else {
        when(d.abs().below(beta), d.square() * (0.5 / beta), d.abs() - 0.5 * beta)
    };
        torch "nn.functional.smooth_l1_loss";

    /// The mean of d²/2 where |d| < `delta`, else `delta`·(|d| − `delta`/2): what is far off counts less than its square. `delta` is 1 by default.
    ///
    /// Source: Huber, Robust estimation of a location parameter, 1964.
    huber_loss, huber_loss_with(d; delta = 1.0) = {
        when(d.abs().below(delta), d.square() * 0.5, (d.abs() - 0.5 * delta) * delta)
    };
        torch "nn.functional.huber_loss";

    /// The mean of ln cosh d, which is about d²/2 near 0 and |d| − ln 2 far away, and smooth throughout.
    log_cosh_loss, log_cosh_loss_with(d) = &d + (-2.0 * &d).softplus() - std::f64::consts::LN_2;
        torch "";
}
