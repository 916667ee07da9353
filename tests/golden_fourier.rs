//! Fourier transforms, spectra and windows against NumPy's and SciPy's numbers; see `tests/golden/README.md`.

use chainrule::ops::fft::FftNorm;
use chainrule::ops::stft::Stft;
use chainrule::{DType, Tensor, Var};
use serde_json::Value;

fn golden() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/fourier.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn sizes(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect()
}

fn size(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn tensor(value: &Value) -> Tensor {
    let data = value["data"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
    Tensor::from_vec::<f64>(data, sizes(&value["shape"]))
}

fn assert_close(what: &Value, got: &Tensor, want: &Value) {
    let want = tensor(want);
    assert_eq!(got.shape(), want.shape(), "{what}");
    assert!(got.allclose(&want, 1e-13, 1e-13), "{what}: {got} instead of {want}");
}

#[test]
fn transforms() {
    for case in golden()["cases"].as_array().unwrap() {
        let x = Var::constant(tensor(&case["x"]));
        let norm = match case["norm"].as_str().unwrap() {
            "backward" => FftNorm::Backward,
            "ortho" => FftNorm::Ortho,
            _ => FftNorm::Forward,
        };
        let axes: Vec<isize> = case["axes"].as_array().unwrap().iter().map(|a| a.as_i64().unwrap() as isize).collect();
        let (n, axis) = (case["n"].as_u64().map(|n| n as usize), axes[0]);
        let several = if case["n"].is_array() { sizes(&case["n"]) } else { vec![] };
        let y = match case["op"].as_str().unwrap() {
            "fft" => x.fft(n, axis, norm),
            "ifft" => x.ifft(n, axis, norm),
            "rfft" => x.rfft(n, axis, norm),
            "irfft" => x.irfft(n, axis, norm),
            "fftn" => x.fftn(&several, &axes, norm),
            "ifftn" => x.ifftn(&several, &axes, norm),
            "rfftn" => x.rfftn(&several, &axes, norm),
            "irfftn" => x.irfftn(&several, &axes, norm),
            other => panic!("{other}"),
        };
        assert_close(&case["name"], y.value(), &case["y"]);
    }
}

#[test]
fn spectra_there_and_back() {
    for case in golden()["spectra"].as_array().unwrap() {
        let [center, normalized] = ["center", "normalized"].map(|name| case[name].as_bool().unwrap());
        let frames = Stft::new(size(&case["size"])).hop(size(&case["hop"])).window(tensor(&case["window"]));
        let frames = frames.center(center).normalized(normalized);
        let x = Var::constant(tensor(&case["x"]));
        let y = x.stft(&frames);
        assert_close(&case["name"], y.value(), &case["y"]);
        if center {
            let back = y.istft(&frames, Some(x.len()));
            let seen = y.size(1) - 1; // whole hops that the frames cover from the start of the signal on
            let seen = (seen * size(&case["hop"])).min(x.len());
            assert!(back.value().narrow(0, 0, seen).allclose(&x.value().narrow(0, 0, seen), 1e-12, 1e-12), "{case}");
        }
    }
}

#[test]
fn windows() {
    for case in golden()["windows"].as_array().unwrap() {
        let make = match case["name"].as_str().unwrap() {
            "hann" => Tensor::hann_window,
            "hamming" => Tensor::hamming_window,
            "blackman" => Tensor::blackman_window,
            "bartlett" => Tensor::bartlett_window,
            other => panic!("{other}"),
        };
        let y = make(size(&case["n"]), case["periodic"].as_bool().unwrap(), DType::F64);
        assert_close(case, &y, &case["y"]);
    }
}
