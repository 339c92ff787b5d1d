//! What a program sees of a host that gives it nothing, a directory to read, or a directory with ways out.

use std::fs::{self, File, OpenOptions};
use std::path::Path;

use crate::{empty, symlink};

#[track_caller]
fn is_refused<T: std::fmt::Debug>(got: std::io::Result<T>) {
    assert!(got.is_err(), "succeeded with {got:?}");
}

pub fn none() {
    for path in ["/data/x.txt", "/etc/passwd", "x.txt", "."] {
        is_refused(fs::read(path));
        is_refused(fs::metadata(path));
        is_refused(fs::read_dir(path));
        is_refused(fs::write(path, "x"));
    }
}

pub fn read_only() {
    let data = Path::new("/data");
    assert_eq!(fs::read_to_string("/data/x.txt").unwrap(), "hello");
    assert_eq!(fs::read_dir(data).unwrap().count(), 2);
    let file = File::open("/data/x.txt").unwrap();
    assert_eq!(file.metadata().unwrap().len(), 5);
    is_refused(file.set_len(0));
    is_refused(fs::write("/data/x.txt", "x"));
    is_refused(OpenOptions::new().append(true).open("/data/x.txt"));
    is_refused(File::create_new("/data/new"));
    is_refused(fs::create_dir("/data/new"));
    is_refused(fs::remove_file("/data/x.txt"));
    is_refused(fs::remove_dir("/data/dir"));
    is_refused(fs::rename("/data/x.txt", "/data/new"));
    is_refused(fs::hard_link("/data/x.txt", "/data/new"));
    is_refused(symlink("x.txt", "/data/new"));
    is_refused(fs::write("/data/dir/new", "x"));
    assert_eq!(fs::read_to_string("/data/x.txt").unwrap(), "hello");
}

/// `absolute` and `relative` lead to a file outside; `absolute-directory` and `relative-directory` to its directory.
pub fn escapes() {
    let inner = empty("inner");
    let paths =
        ["/data/absolute", "/data/relative", "/data/absolute-directory/secret", "/data/relative-directory/secret"];
    let around =
        ["/data/../outside/secret", "/data/inner/../../outside/secret", "/outside/secret", "../outside/secret"];
    for path in paths.iter().chain(&around) {
        is_refused(fs::read(path));
        is_refused(fs::write(path, "x"));
        is_refused(fs::metadata(path));
        is_refused(fs::copy(path, inner.join("copy")));
    }
    for path in &around {
        is_refused(fs::remove_file(path));
        is_refused(fs::rename(path, inner.join("stolen")));
        is_refused(fs::hard_link(path, inner.join("stolen")));
    }
    for directory in ["/data/absolute-directory", "/data/relative-directory", "/data/..", "/"] {
        let directory = Path::new(directory);
        is_refused(fs::read_dir(directory));
        is_refused(fs::remove_file(directory.join("secret")));
        is_refused(File::create_new(directory.join("new")));
        is_refused(fs::create_dir(directory.join("new")));
    }
    // a hard link of a link is a link
    fs::hard_link("/data/relative", inner.join("hard")).unwrap();
    is_refused(fs::read(inner.join("hard")));
}
