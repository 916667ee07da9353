//! Fetching data sets that are not on this machine.
//!
//! A file counts only when its length and SHA-256 are the published ones, so the mirrors need not be trusted. It is
//! written under a temporary name and renamed when it is whole: a folder never holds half a file.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use ureq::{Agent, Proxy};

use crate::dataset::Split;
use crate::folders::Folders;
use crate::images::Images;
use crate::mnist::{DataError, IdxFile, IdxSet};

const CHUNK: usize = 64 << 10;
const PATIENCE: Duration = Duration::from_secs(20);

/// How far a download is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The file that is being fetched.
    pub file: &'a str,
    /// The bytes received so far.
    pub received: u64,
    /// The bytes it has.
    pub total: u64,
}

/// Why one attempt to fetch one file failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// There is no per-user cache folder to keep the files in.
    #[error("there is no cache folder to download to: the environment names no home")]
    NoFolder,
    /// No answer, or one that is not HTTP.
    #[error("{url}: {source}")]
    Request {
        /// The address.
        url: String,
        /// What happened.
        source: Box<ureq::Error>,
    },
    /// The server answered, but not with the file.
    #[error("{url}: the server answered with status {status}")]
    Status {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The connection ended before the file did.
    #[error("{url}: it ended after {received} of {wanted} bytes{}", cause.as_ref().map(|e| format!(" ({e})")).unwrap_or_default())]
    Truncated {
        /// The address.
        url: String,
        /// The bytes received.
        received: u64,
        /// The bytes the file has.
        wanted: u64,
        /// What the connection said, if anything.
        cause: Option<io::Error>,
    },
    /// More bytes came than the file has.
    #[error("{url}: it is longer than the {wanted} bytes of the published file")]
    TooLong {
        /// The address.
        url: String,
        /// The bytes the file has.
        wanted: u64,
    },
    /// The bytes are not those that were published.
    #[error("{url}: its SHA-256 is {found}, but the published file has {wanted}")]
    Checksum {
        /// The address.
        url: String,
        /// The SHA-256 of what came.
        found: String,
        /// The SHA-256 of the published file.
        wanted: String,
    },
    /// The file could not be written.
    #[error("{}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl IdxSet {
    /// [`load`](IdxSet::load), and where no folder has the files, fetches them into
    /// [`cache_folder`](crate::cache_folder) first. `progress` is called as the bytes arrive.
    ///
    /// Proxies are taken from the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`).
    ///
    /// # Errors
    /// [`DataError`]; when the files cannot be fetched, its message lists the attempts and says which files to put
    /// where.
    ///
    /// ```no_run
    /// use chainrule_data::MNIST;
    ///
    /// let mnist = MNIST.load_or_download(|p| eprint!("\r{}: {} of {} bytes", p.file, p.received, p.total))?;
    /// # Ok::<(), chainrule_data::DataError>(())
    /// ```
    pub fn load_or_download(&self, progress: impl FnMut(Progress<'_>)) -> Result<Split<Images>, DataError> {
        self.load_or_fetch(&Folders::of_this_user(), self.mirrors, progress)
    }

    fn load_or_fetch(
        &self,
        folders: &Folders,
        mirrors: &[&str],
        mut progress: impl FnMut(Progress<'_>),
    ) -> Result<Split<Images>, DataError> {
        match self.load_among(folders) {
            Err(DataError::NotFound { .. }) => {}
            found => return found,
        }
        let failed = |attempts| DataError::Download { set: self.name(), attempts, help: self.help(folders) };
        let Some(cache) = &folders.cache else { return Err(failed(vec![DownloadError::NoFolder])) };
        let folder = cache.join(self.folder());
        fetch_all(&agent(PATIENCE, Proxy::try_from_env()), &self.files, mirrors, &folder, &mut progress)
            .map_err(failed)?;
        self.load_from(folder)
    }
}

/// Fetches each file that is not there yet from the first mirror that has it.
fn fetch_all(
    agent: &Agent,
    files: &[IdxFile],
    mirrors: &[&str],
    folder: &Path,
    progress: &mut impl FnMut(Progress<'_>),
) -> Result<(), Vec<DownloadError>> {
    fs::create_dir_all(folder).map_err(|source| vec![DownloadError::Write { path: folder.to_path_buf(), source }])?;
    for file in files {
        let target = folder.join(format!("{}.gz", file.name));
        if is_published(file, &target) {
            continue;
        }
        let mut attempts = Vec::new();
        let fetched = mirrors.iter().any(|mirror| {
            fetch(agent, &format!("{mirror}/{}.gz", file.name), file, &target, progress)
                .map_err(|error| attempts.push(error))
                .is_ok()
        });
        if !fetched {
            return Err(attempts);
        }
    }
    Ok(())
}

/// A client that gives up on a server that says nothing for as long as `patience`.
fn agent(patience: Duration, proxy: Option<Proxy>) -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .proxy(proxy)
        .timeout_resolve(Some(patience))
        .timeout_connect(Some(patience))
        .timeout_recv_response(Some(patience))
        .timeout_per_read(Some(patience))
        .user_agent(concat!("chainrule/", env!("CARGO_PKG_VERSION")))
        .build()
        .new_agent()
}

fn is_published(file: &IdxFile, path: &Path) -> bool {
    let digest = || -> io::Result<String> {
        let mut hash = Sha256::new();
        let mut source = File::open(path)?;
        let mut chunk = vec![0; CHUNK];
        loop {
            match source.read(&mut chunk)? {
                0 => return Ok(hex(hash)),
                n => hash.update(&chunk[..n]),
            }
        }
    };
    fs::metadata(path).is_ok_and(|data| data.len() == file.bytes) && digest().is_ok_and(|found| found == file.sha256)
}

fn fetch(
    agent: &Agent,
    url: &str,
    file: &IdxFile,
    target: &Path,
    progress: &mut impl FnMut(Progress<'_>),
) -> Result<(), DownloadError> {
    let (url, wanted) = (url.to_owned(), file.bytes);
    let response = match agent.get(&url).call() {
        Ok(response) => response,
        Err(source) => return Err(DownloadError::Request { url, source: Box::new(source) }),
    };
    if response.status() != ureq::http::StatusCode::OK {
        return Err(DownloadError::Status { url, status: response.status().as_u16() });
    }
    let mut body = response.into_body().into_reader();
    let written = |source| DownloadError::Write { path: target.to_path_buf(), source };
    // A part that is not persisted is removed when it goes out of scope.
    let mut part = NamedTempFile::new_in(target.parent().unwrap_or(Path::new("."))).map_err(written)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK];
    let mut received = 0;
    loop {
        progress(Progress { file: file.name, received, total: wanted });
        match body.read(&mut chunk) {
            Ok(0) if received == wanted => break,
            Ok(0) => return Err(DownloadError::Truncated { url, received, wanted, cause: None }),
            Ok(n) => {
                received += n as u64;
                if received > wanted {
                    return Err(DownloadError::TooLong { url, wanted });
                }
                hash.update(&chunk[..n]);
                part.write_all(&chunk[..n]).map_err(written)?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(DownloadError::Truncated { url, received, wanted, cause: Some(error) }),
        }
    }
    let found = hex(hash);
    if found != file.sha256 {
        return Err(DownloadError::Checksum { url, found, wanted: file.sha256.to_owned() });
    }
    part.as_file().sync_all().map_err(written)?;
    part.persist(target).map(drop).map_err(|error| written(error.error))
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
