//! Threads: work is cut by its size, never by their number, so that results do not depend on it.

/// Work below this many elements stays on the calling thread: waking a second one costs more than it saves.
pub(crate) const SMALL: usize = 32 * 1024;

/// Calls `f(i, chunk)` for every chunk of `size` elements of `out`, the last possibly shorter.
pub(crate) fn chunks_mut<T: Send>(out: &mut [T], size: usize, f: impl Fn(usize, &mut [T]) + Send + Sync) {
    let size = size.max(1);
    if out.len() <= size {
        if !out.is_empty() {
            f(0, out);
        }
        return;
    }
    many_chunks_mut(out, size, &f);
}

/// Through a pointer, so that the machinery of threads is compiled once per element type, and not once per kernel.
fn many_chunks_mut<T: Send>(out: &mut [T], size: usize, f: &(dyn Fn(usize, &mut [T]) + Send + Sync)) {
    #[cfg(feature = "threads")]
    {
        use rayon::prelude::*;
        out.par_chunks_mut(size).enumerate().for_each(|(i, chunk)| f(i, chunk));
    }
    #[cfg(not(feature = "threads"))]
    out.chunks_mut(size).enumerate().for_each(|(i, chunk)| f(i, chunk));
}

/// Into how many pieces work is worth cutting whose results are the same for any cut: the number of threads, or 1 within a piece of work that is
/// already shared among them.
pub(crate) fn bands() -> usize {
    #[cfg(feature = "threads")]
    return if rayon::current_thread_index().is_some() { 1 } else { rayon::current_num_threads() };
    #[cfg(not(feature = "threads"))]
    1
}

/// Sets the number of threads that kernels use, for the whole process.
///
/// Must come before the first large tensor operation, since threads are started once. Results are the same bits with any
/// number.
///
/// # Errors
/// When the threads were already started, or could not be.
///
/// ```
/// let _ = chainrule_tensor::parallel::set_threads(2);
/// ```
pub fn set_threads(n: usize) -> Result<(), String> {
    #[cfg(feature = "threads")]
    return rayon::ThreadPoolBuilder::new().num_threads(n).build_global().map_err(|e| e.to_string());
    #[cfg(not(feature = "threads"))]
    return if n == 1 { Ok(()) } else { Err("built without the `threads` feature".into()) };
}

/// The number of threads that kernels use.
pub fn threads() -> usize {
    #[cfg(feature = "threads")]
    return rayon::current_num_threads();
    #[cfg(not(feature = "threads"))]
    1
}
