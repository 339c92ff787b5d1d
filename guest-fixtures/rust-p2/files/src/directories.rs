//! Directories and their entries. What each function answers to each kind of path is in `paths.txt`.

use support::refused;
use wasip2::filesystem::types::ErrorCode::{Exist, NoEntry, NotDirectory, NotEmpty};
use wasip2::filesystem::types::{Descriptor, DescriptorType};

use crate::tree::{self, NO_FOLLOW, READ};

pub fn create() {
    let base = tree::empty("create-directory");
    base.create_directory_at("a").unwrap();
    base.create_directory_at("a/b").unwrap();
    base.create_directory_at("a/b/c//").unwrap();
    refused(base.create_directory_at("a"), Exist);
    refused(base.create_directory_at("x/y"), NoEntry);
    refused(base.create_directory_at("x/."), NoEntry);
    assert_eq!(base.stat_at(NO_FOLLOW, "a/b/c").unwrap().type_, DescriptorType::Directory);
}

pub fn remove() {
    let base = tree::planted("remove-directory");
    refused(base.remove_directory_at("dir"), NotEmpty);
    base.unlink_file_at("dir/inner").unwrap();
    base.remove_directory_at("dir").unwrap();
    refused(base.remove_directory_at("dir"), NoEntry);
    refused(base.remove_directory_at("f"), NotDirectory);
}

/// A directory that is not there any more, but still open.
pub fn removed() {
    let base = tree::empty("removed-directory");
    base.create_directory_at("dir").unwrap();
    let open = tree::open(&base, "dir", READ).unwrap();
    base.remove_directory_at("dir").unwrap();
    assert_eq!(open.stat().unwrap().link_count, 0);
    assert_eq!(names(&open), [""; 0]);
    refused(open.create_directory_at("x"), NoEntry);
    refused(open.stat_at(NO_FOLLOW, "x"), NoEntry);
    // one that moved is the same as before
    base.create_directory_at("dir").unwrap();
    let open = tree::open(&base, "dir", READ).unwrap();
    base.rename_at("dir", &base, "moved").unwrap();
    open.create_directory_at("x").unwrap();
    assert!(tree::exists(&base, "moved/x"));
}

pub fn entries(directory: &Descriptor) -> Vec<(String, DescriptorType)> {
    let stream = directory.read_directory().unwrap();
    let mut found = Vec::new();
    while let Some(entry) = stream.read_directory_entry().unwrap() {
        found.push((entry.name, entry.type_));
    }
    assert!(stream.read_directory_entry().unwrap().is_none());
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

pub fn names(directory: &Descriptor) -> Vec<String> {
    entries(directory).into_iter().map(|(name, _)| name).collect()
}

pub fn read() {
    let base = tree::planted("read-directory");
    let is = |name: &str, kind| (name.to_string(), kind);
    let link = DescriptorType::SymbolicLink;
    let wanted = vec![
        is("dangling", link),
        is("dir", DescriptorType::Directory),
        is("esc", link),
        is("escd", link),
        is("f", DescriptorType::RegularFile),
        is("ld", link),
        is("lf", link),
        is("loop1", link),
        is("loop2", link),
        is("up", link),
    ];
    assert_eq!(entries(&base), wanted);
    // each stream begins at the beginning, and goes on when the descriptor is gone
    let directory = tree::open(&base, "dir", READ).unwrap();
    let (one, two) = (directory.read_directory().unwrap(), directory.read_directory().unwrap());
    drop(directory);
    for stream in [one, two] {
        assert_eq!(stream.read_directory_entry().unwrap().unwrap().name, "inner");
        assert!(stream.read_directory_entry().unwrap().is_none());
    }
    many(&base);
}

fn many(base: &Descriptor) {
    base.create_directory_at("many").unwrap();
    let directory = tree::open(base, "many", READ).unwrap();
    let wanted: Vec<_> = (0..500).map(|number| format!("file-{number:03}-äß")).collect();
    for name in &wanted {
        tree::put(&directory, name, b"");
    }
    assert_eq!(names(&directory), wanted);
}

pub fn unlink() {
    let base = tree::planted("unlink-file");
    for path in ["f", "lf", "ld", "dangling", "esc", "loop1", "dir/inner"] {
        base.unlink_file_at(path).unwrap();
        refused(base.unlink_file_at(path), NoEntry);
    }
    assert_eq!(names(&base), ["dir", "escd", "loop2", "up"]);
}
