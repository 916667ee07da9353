//! Files: safetensors, npy and npz.
