//! Directories, links and paths.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::{empty, fails, symlink};

pub fn rename_and_remove() {
    let base = empty("rename-and-remove");
    let (one, two) = (base.join("one"), base.join("two"));
    fs::write(&one, "one").unwrap();
    fs::write(&two, "two").unwrap();
    let mut open = File::open(&two).unwrap();
    fs::rename(&one, &two).unwrap();
    assert_eq!(fs::read_to_string(&two).unwrap(), "one");
    // what was opened before is what it was
    let mut text = String::new();
    open.read_to_string(&mut text).unwrap();
    assert_eq!(text, "two");
    fails(fs::rename(&one, &two), ErrorKind::NotFound);
    fs::remove_file(&two).unwrap();
    fails(fs::remove_file(&two), ErrorKind::NotFound);
    assert!(!two.exists());
}

pub fn directories() {
    let base = empty("directories");
    fs::create_dir_all(base.join("a/b/c")).unwrap();
    fs::create_dir_all(base.join("a/b/c")).unwrap();
    fails(fs::create_dir(base.join("a")), ErrorKind::AlreadyExists);
    fails(fs::create_dir(base.join("x/y")), ErrorKind::NotFound);
    fs::write(base.join("file"), "").unwrap();
    fails(fs::create_dir(base.join("file/x")), ErrorKind::NotADirectory);
    // std has no kind for it on this target
    assert!(fs::remove_dir(base.join("a")).is_err());
    fails(fs::remove_dir(base.join("file")), ErrorKind::NotADirectory);
    fails(fs::read_dir(base.join("nothing")), ErrorKind::NotFound);
    fs::remove_dir(base.join("a/b/c")).unwrap();
    fs::rename(base.join("a"), base.join("z")).unwrap();
    fs::remove_dir_all(base.join("z")).unwrap();
    assert_eq!(names(&base), ["file"]);
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

pub fn walk() {
    let base = empty("walk");
    for directory in 0..10 {
        let directory = base.join(format!("directory-{directory}"));
        fs::create_dir(&directory).unwrap();
        for file in 0..20 {
            fs::write(directory.join(format!("file-{file}")), "12345").unwrap();
        }
    }
    assert_eq!(size_of(&base), 1000);
    assert_eq!(names(&base).len(), 10);
}

fn size_of(directory: &Path) -> u64 {
    let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
    entries
        .map(
            |entry| {
                if entry.file_type().unwrap().is_dir() {
                    size_of(&entry.path())
                } else {
                    entry.metadata().unwrap().len()
                }
            },
        )
        .sum()
}

pub fn symlinks() {
    let base = empty("symlinks");
    fs::write(base.join("file"), "text").unwrap();
    fs::create_dir(base.join("directory")).unwrap();
    link("file", &base.join("to-file"));
    link("directory", &base.join("to-directory"));
    link("nowhere", &base.join("dangling"));
    link("loop", &base.join("loop"));
    assert_eq!(fs::read_link(base.join("to-file")).unwrap(), PathBuf::from("file"));
    assert_eq!(fs::read_to_string(base.join("to-file")).unwrap(), "text");
    assert!(fs::symlink_metadata(base.join("to-file")).unwrap().is_symlink());
    assert!(fs::metadata(base.join("to-file")).unwrap().is_file());
    fs::write(base.join("to-directory/new"), "").unwrap();
    assert_eq!(names(&base.join("directory")), ["new"]);
    assert!(!base.join("dangling").exists() && base.join("dangling").is_symlink());
    fs::write(base.join("dangling"), "made").unwrap();
    assert_eq!(fs::read_to_string(base.join("nowhere")).unwrap(), "made");
    assert!(fs::read(base.join("loop")).is_err());
    fs::remove_file(base.join("to-file")).unwrap();
    assert!(base.join("file").exists());
}

fn link(target: &str, path: &Path) {
    symlink(target, path.to_str().unwrap()).unwrap();
}

pub fn hard_links() {
    let base = empty("hard-links");
    fs::write(base.join("one"), "text").unwrap();
    fs::hard_link(base.join("one"), base.join("two")).unwrap();
    fails(fs::hard_link(base.join("one"), base.join("two")), ErrorKind::AlreadyExists);
    fs::remove_file(base.join("one")).unwrap();
    assert_eq!(fs::read_to_string(base.join("two")).unwrap(), "text");
}

pub fn paths() {
    let base = empty("paths");
    fs::write(base.join("file"), "text").unwrap();
    fs::create_dir(base.join("directory")).unwrap();
    for path in ["./file", "directory/../file", ".//./file"] {
        assert_eq!(fs::read_to_string(base.join(path)).unwrap(), "text");
    }
    fails(fs::read(base.join("file/")), ErrorKind::NotADirectory);
    fails(fs::read(base.join("file/x")), ErrorKind::NotADirectory);
    fails(fs::read(base.join("nothing/../file")), ErrorKind::NotFound);
    fails(fs::read(base.join("a\0b")), ErrorKind::InvalidInput);
    fs::write(base.join("ünï ☃"), "snow").unwrap();
    assert_eq!(names(&base), ["directory", "file", "ünï ☃"]);
}
