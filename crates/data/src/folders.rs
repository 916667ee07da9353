//! Where data sets are looked for.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The environment variable that names the folder of data sets.
pub const DATA_VARIABLE: &str = "CHAINRULE_DATA";

/// The folders that may hold data sets.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    /// The user's choice: the value of `CHAINRULE_DATA`.
    pub data: Option<PathBuf>,
    /// The per-user cache of this library.
    pub cache: Option<PathBuf>,
}

impl Folders {
    pub fn of_this_user() -> Folders {
        let variable = |name: &str| std::env::var_os(name);
        Folders {
            data: variable(DATA_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from),
            cache: cache_folder_by(variable),
        }
    }

    /// Every folder a data set called `name` may be in, the first choice first.
    pub fn candidates(&self, name: &str) -> Vec<PathBuf> {
        let data = self.data.iter().flat_map(|folder| [folder.join(name), folder.clone()]);
        data.chain(self.cache.iter().map(|folder| folder.join(name))).collect()
    }
}

/// The per-user folder where downloaded data sets are kept, if this user has a home.
///
/// It is `$XDG_CACHE_HOME/chainrule` or `~/.cache/chainrule`, on macOS `~/Library/Caches/chainrule`, on Windows
/// `%LOCALAPPDATA%\chainrule\cache`.
///
/// ```
/// if let Some(folder) = chainrule_data::cache_folder() {
///     println!("downloads are kept in {}", folder.display());
/// }
/// ```
pub fn cache_folder() -> Option<PathBuf> {
    Folders::of_this_user().cache
}

fn cache_folder_by(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    // A relative path would depend on the working directory; the XDG specification says to ignore those.
    let folder = |name| variable(name).map(PathBuf::from).filter(|path| Path::is_absolute(path));
    if cfg!(windows) {
        Some(folder("LOCALAPPDATA")?.join("chainrule").join("cache"))
    } else if cfg!(target_os = "macos") {
        Some(folder("HOME")?.join("Library/Caches/chainrule"))
    } else {
        let caches = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")))?;
        Some(caches.join("chainrule"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_comes_before_cache_and_may_be_the_folder_itself() {
        let folders = Folders { data: Some("/data".into()), cache: Some("/cache".into()) };
        let wanted: Vec<PathBuf> = vec!["/data/mnist".into(), "/data".into(), "/cache/mnist".into()];
        assert_eq!(folders.candidates("mnist"), wanted);
        assert!(Folders { data: None, cache: None }.candidates("mnist").is_empty());
    }

    #[cfg(all(unix, not(target_os = "macos")))]
    #[test]
    fn cache_follows_xdg() {
        let with = |pairs: &'static [(&str, &str)]| {
            cache_folder_by(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
        };
        assert_eq!(with(&[("XDG_CACHE_HOME", "/c"), ("HOME", "/h")]), Some("/c/chainrule".into()));
        assert_eq!(with(&[("XDG_CACHE_HOME", "relative"), ("HOME", "/h")]), Some("/h/.cache/chainrule".into()));
        assert_eq!(with(&[("HOME", "/h")]), Some("/h/.cache/chainrule".into()));
        assert_eq!(with(&[("HOME", "")]), None);
        assert_eq!(with(&[]), None);
    }
}
