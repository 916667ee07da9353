use std::io::BufRead;
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use super::*;
use crate::mnist::{FASHION_MNIST, MNIST};

/// What the loopback server does with each request.
#[derive(Clone, Copy)]
enum Answer {
    /// The body with its length.
    Body(&'static [u8]),
    /// A length of 100, and then only these bytes.
    CutShort(&'static [u8]),
    /// This body without a length, ended by closing the connection.
    Unannounced(&'static [u8]),
    NotFound,
    /// Nothing that is HTTP.
    Nonsense,
    /// The file of that name in this folder.
    Folder(&'static Path),
    /// A length of 100, these bytes, and then silence on an open connection.
    Stalled(&'static [u8]),
}

/// An HTTP server on this machine that answers `requests` requests and then ends.
struct Server {
    address: String,
    thread: JoinHandle<Vec<String>>,
}

fn serve(answer: Answer, requests: usize) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let thread = thread::spawn(move || (0..requests).map(|_| respond(listener.accept().unwrap().0, answer)).collect());
    Server { address, thread }
}

/// Answers one request and returns its path.
fn respond(mut stream: TcpStream, answer: Answer) -> String {
    let mut lines = io::BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
    let request = lines.next().unwrap();
    for _ in lines.take_while(|line| !line.is_empty()) {}
    let head = |status: &str, length: usize| {
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n").into_bytes()
    };
    let path = request.split(' ').nth(1).unwrap();
    let bytes = match answer {
        Answer::Folder(folder) => {
            let body = fs::read(folder.join(&path[1..])).unwrap();
            [head("200 OK", body.len()), body].concat()
        }
        Answer::Body(body) => [head("200 OK", body.len()), body.to_vec()].concat(),
        Answer::CutShort(body) | Answer::Stalled(body) => [head("200 OK", 100), body.to_vec()].concat(),
        Answer::Unannounced(body) => [b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", body].concat(),
        Answer::NotFound => [head("404 Not Found", 4), b"gone".to_vec()].concat(),
        Answer::Nonsense => b"\x00\x01\x02 what?\r\n\r\n".to_vec(),
    };
    stream.write_all(&bytes).unwrap();
    if let Answer::Stalled(_) = answer {
        // Returns when the client hangs up.
        let _ = stream.read(&mut [0]);
    }
    path.to_owned()
}

const CONTENT: &[u8] = b"one hundred bytes, or nearly so: the published file of this test";

fn published() -> IdxFile {
    IdxFile {
        name: "file",
        bytes: CONTENT.len() as u64,
        // printf 'one hundred bytes, …' | sha256sum
        sha256: "986517cdde5c9e13a9a485689c270ca78afd1e9addf910fe7ec0d87985c9b05a",
    }
}

fn patient() -> Agent {
    agent(Duration::from_secs(20), None)
}

/// Fetches the file from servers that give these answers, in this order; returns the folder, too.
fn fetch_from(answers: &[Answer]) -> (Result<(), Vec<DownloadError>>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let servers: Vec<Server> = answers.iter().map(|&answer| serve(answer, 1)).collect();
    let mirrors: Vec<&str> = servers.iter().map(|server| server.address.as_str()).collect();
    let result = fetch_all(&patient(), &[published()], &mirrors, folder.path(), &mut |_| {});
    for server in servers {
        assert_eq!(server.thread.join().unwrap(), ["/file.gz"]);
    }
    (result, folder)
}

fn names_in(folder: &Path) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn error_of(answer: Answer) -> DownloadError {
    let (result, folder) = fetch_from(&[answer]);
    assert!(names_in(folder.path()).is_empty(), "a failed download leaves something behind");
    let mut errors = result.unwrap_err();
    assert_eq!(errors.len(), 1);
    errors.remove(0)
}

#[test]
fn a_good_file_arrives() {
    for answer in [Answer::Body(CONTENT), Answer::Unannounced(CONTENT)] {
        let (result, folder) = fetch_from(&[answer]);
        result.unwrap();
        assert_eq!(names_in(folder.path()), ["file.gz"]);
        assert_eq!(fs::read(folder.path().join("file.gz")).unwrap(), CONTENT);
    }
}

#[test]
fn progress_goes_from_nothing_to_all() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(Answer::Body(CONTENT), 1);
    let mut seen = Vec::new();
    let mut progress = |p: Progress<'_>| {
        assert_eq!((p.file, p.total), ("file", CONTENT.len() as u64));
        seen.push(p.received);
    };
    fetch_all(&patient(), &[published()], &[&server.address], folder.path(), &mut progress).unwrap();
    assert!(seen.is_sorted() && seen.first() == Some(&0) && seen.last() == Some(&(CONTENT.len() as u64)));
}

#[test]
fn a_file_that_is_there_is_not_fetched_again() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file.gz"), CONTENT).unwrap();
    fetch_all(&patient(), &[published()], &["http://nobody.invalid"], folder.path(), &mut |_| {}).unwrap();

    let mut damaged = CONTENT.to_vec();
    damaged[3] ^= 1;
    fs::write(folder.path().join("file.gz"), damaged).unwrap();
    let server = serve(Answer::Body(CONTENT), 1);
    fetch_all(&patient(), &[published()], &[&server.address], folder.path(), &mut |_| {}).unwrap();
    assert_eq!(fs::read(folder.path().join("file.gz")).unwrap(), CONTENT);
}

#[test]
fn other_bytes_are_refused() {
    const OTHER: &[u8] = b"One hundred bytes, or nearly so: the published file of this test";
    let DownloadError::Checksum { found, wanted, .. } = error_of(Answer::Body(OTHER)) else { panic!() };
    assert!(found != wanted && found.len() == 64 && wanted == published().sha256);
}

#[test]
fn a_body_that_ends_early_is_refused() {
    for answer in [Answer::CutShort(&CONTENT[..10]), Answer::Body(&CONTENT[..10]), Answer::Unannounced(&CONTENT[..10])]
    {
        let error = error_of(answer);
        assert!(matches!(error, DownloadError::Truncated { received: 10, wanted: 64, .. }), "{error}");
    }
}

#[test]
fn a_body_that_goes_on_is_refused() {
    let error = error_of(Answer::Unannounced(&[7; 1000]));
    assert!(matches!(error, DownloadError::TooLong { wanted: 64, .. }), "{error}");
}

#[test]
fn a_silent_server_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let server = serve(Answer::Stalled(&CONTENT[..10]), 1);
    let impatient = agent(Duration::from_millis(200), None);
    let errors = fetch_all(&impatient, &[published()], &[&server.address], folder.path(), &mut |_| {}).unwrap_err();
    drop(impatient);
    assert!(matches!(errors[..], [DownloadError::Truncated { received: 10, cause: Some(_), .. }]), "{errors:?}");
    assert!(names_in(folder.path()).is_empty());
    server.thread.join().unwrap();
}

#[test]
fn a_status_is_reported() {
    let error = error_of(Answer::NotFound);
    assert!(matches!(error, DownloadError::Status { status: 404, .. }), "{error}");
    assert!(error.to_string().ends_with("/file.gz: the server answered with status 404"), "{error}");
}

#[test]
fn nonsense_is_reported() {
    let error = error_of(Answer::Nonsense);
    assert!(matches!(error, DownloadError::Request { .. }), "{error}");
}

#[test]
fn the_next_mirror_is_asked() {
    const OTHER: &[u8] = b"One hundred bytes, or nearly so: the published file of this test";
    let (result, folder) = fetch_from(&[Answer::NotFound, Answer::Body(OTHER), Answer::Body(CONTENT)]);
    result.unwrap();
    assert_eq!(names_in(folder.path()), ["file.gz"]);
}

#[test]
fn the_real_files_are_those_that_are_expected() {
    let gzip_files =
        |set: &IdxSet, folder: &Path| set.files.iter().all(|file| folder.join(format!("{}.gz", file.name)).is_file());
    for set in [&MNIST, &FASHION_MNIST] {
        let here = Folders::of_this_user().candidates(set.folder()).into_iter().find(|folder| gzip_files(set, folder));
        let Some(here) = here else {
            println!("skipped: {} is not on this machine (set CHAINRULE_DATA)", set.name());
            continue;
        };
        let server = serve(Answer::Folder(Box::leak(here.into_boxed_path())), 4);
        let cache = tempfile::tempdir().unwrap();
        let folders = Folders { data: None, cache: Some(cache.path().to_path_buf()) };
        let folder = cache.path().join(set.folder());
        let mirrors = [server.address.as_str()];
        fetch_all(&patient(), &set.files, &mirrors, &folder, &mut |_| {}).unwrap();
        server.thread.join().unwrap();
        // Now nothing is fetched any more.
        let found = set.load_or_fetch(&folders, &["http://nobody.invalid"], |_| panic!("nothing to fetch")).unwrap();
        assert_eq!((found.train.len(), found.test.len()), (60_000, 10_000));
    }
}

#[test]
fn no_server_says_what_to_do() {
    // A port that was free a moment ago: nobody listens there.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let cache = tempfile::tempdir().unwrap();
    let folders = Folders { data: None, cache: Some(cache.path().to_path_buf()) };
    let mirror = format!("http://127.0.0.1:{port}");
    let error = MNIST.load_or_fetch(&folders, &[&mirror], |_| {}).unwrap_err();
    assert!(matches!(&error, DataError::Download { attempts, .. } if attempts.len() == 1), "{error}");
    let message = error.to_string();
    for part in [
        "MNIST could not be downloaded. Tried:",
        &format!("{mirror}/train-images-idx3-ubyte.gz: "),
        "\n  t10k-labels-idx1-ubyte.gz\n",
        &format!("Put them into {}", cache.path().join("mnist").display()),
        "CHAINRULE_DATA",
    ] {
        assert!(message.contains(part), "{part} is missing in: {message}");
    }
}

#[test]
fn no_folder_to_download_to_is_reported() {
    let nowhere = Folders { data: None, cache: None };
    let error = MNIST.load_or_fetch(&nowhere, &["http://nobody.invalid"], |_| {}).unwrap_err();
    assert!(
        matches!(&error, DataError::Download { attempts, .. } if matches!(attempts[..], [DownloadError::NoFolder]))
    );
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_made_is_reported() {
    let cache = NamedTempFile::new().unwrap();
    let errors = fetch_all(&patient(), &[published()], &[], &cache.path().join("mnist"), &mut |_| {}).unwrap_err();
    assert!(matches!(errors[..], [DownloadError::Write { .. }]));
}
