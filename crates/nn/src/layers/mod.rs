//! The layers.

mod activation;
mod attention;
mod batch_norm;
mod conv;
mod dropout;
mod embedding;
mod extent;
mod flatten;
mod group_norm;
mod layer_norm;
mod linear;
mod pool;
mod recurrent;
mod sequential;
mod transformer;

pub use activation::{
    Celu, Elu, Gelu, Glu, HardSigmoid, HardSwish, HardTanh, LeakyRelu, LogSigmoid, LogSoftmax, Mish, Prelu, Relu,
    Relu6, Selu, Sigmoid, Silu, Softmax, Softmin, Softplus, Softsign, Tanh, TanhShrink,
};
pub use attention::{AttentionMask, MultiheadAttention, PositionalEncoding};
pub use batch_norm::BatchNorm;
pub use conv::{Conv, Conv1d, Conv2d, Conv3d};
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use extent::Extent;
pub use flatten::Flatten;
pub use group_norm::{GroupNorm, InstanceNorm, RmsNorm};
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use pool::{AvgPool, AvgPool1d, AvgPool2d, AvgPool3d, MaxPool, MaxPool1d, MaxPool2d, MaxPool3d};
pub use recurrent::{Gru, Lstm, Recurrent, RecurrentCell, Rnn, RnnRelu};
pub use sequential::Sequential;
pub use transformer::TransformerEncoderLayer;
