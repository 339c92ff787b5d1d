//! Mounts, and the files that cases begin with.

use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags};

pub const FOLLOW: PathFlags = PathFlags::SYMLINK_FOLLOW;
pub const NO_FOLLOW: PathFlags = PathFlags::empty();
pub const EXISTING: OpenFlags = OpenFlags::empty();
pub const READ: DescriptorFlags = DescriptorFlags::READ;
pub const WRITE: DescriptorFlags = DescriptorFlags::WRITE;

/// The directory that the host mounted under this name.
pub fn mount(name: &str) -> Descriptor {
    let found = get_directories().into_iter().find(|(_, other)| other == name);
    found.unwrap_or_else(|| panic!("no mount is named {name}")).0
}

/// An empty directory below /data.
pub fn empty(name: &str) -> Descriptor {
    let data = mount("/data");
    data.create_directory_at(name).unwrap();
    open(&data, name, READ).unwrap()
}

/// A directory below /data with the tree that `paths.txt` describes.
pub fn planted(name: &str) -> Descriptor {
    let base = empty(name);
    put(&base, "f", b"0123456789");
    base.create_directory_at("dir").unwrap();
    put(&base, "dir/inner", b"inner");
    for (link, target) in [
        ("lf", "f"),
        ("ld", "dir"),
        ("dangling", "nowhere"),
        ("up", ".."),
        ("esc", "../out/secret"),
        ("escd", "../out"),
        ("loop1", "loop2"),
        ("loop2", "loop1"),
    ] {
        base.symlink_at(target, link).unwrap();
    }
    base
}

pub fn open(base: &Descriptor, path: &str, flags: DescriptorFlags) -> Result<Descriptor, ErrorCode> {
    base.open_at(NO_FOLLOW, path, EXISTING, flags)
}

/// Makes a file with this content, or gives an existing one this content.
pub fn put(base: &Descriptor, path: &str, content: &[u8]) -> Descriptor {
    let file = base.open_at(NO_FOLLOW, path, OpenFlags::CREATE | OpenFlags::TRUNCATE, READ | WRITE).unwrap();
    let mut written = 0;
    while written < content.len() {
        written += file.write(&content[written..], written as u64).unwrap() as usize;
    }
    file
}

pub fn content(base: &Descriptor, path: &str) -> Vec<u8> {
    content_of(&open(base, path, READ).unwrap())
}

pub fn content_of(file: &Descriptor) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let (bytes, at_end) = file.read(65_536, all.len() as u64).unwrap();
        all.extend(bytes);
        if at_end {
            return all;
        }
    }
}

pub fn exists(base: &Descriptor, path: &str) -> bool {
    base.stat_at(NO_FOLLOW, path).is_ok()
}
