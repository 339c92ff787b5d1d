//! Methods of directories on a file, and of files on a directory.

use support::{refused, refused_any};
use wasip2::filesystem::types::ErrorCode::{BadDescriptor, IsDirectory, NotDirectory};
use wasip2::filesystem::types::{Advice, NewTimestamp};

use crate::tree::{self, EXISTING, NO_FOLLOW, READ, WRITE};

pub fn directory_methods_on_a_file() {
    let base = tree::planted("methods-of-directories");
    let file = tree::open(&base, "f", READ | WRITE).unwrap();
    refused(file.read_directory(), NotDirectory);
    refused(file.create_directory_at("x"), NotDirectory);
    refused(file.stat_at(NO_FOLLOW, "."), NotDirectory);
    refused(file.set_times_at(NO_FOLLOW, ".", NewTimestamp::Now, NewTimestamp::Now), NotDirectory);
    refused(file.link_at(NO_FOLLOW, "x", &base, "y"), NotDirectory);
    refused(file.open_at(NO_FOLLOW, ".", EXISTING, READ), NotDirectory);
    refused(file.readlink_at("x"), NotDirectory);
    refused(file.remove_directory_at("x"), NotDirectory);
    refused(file.rename_at("x", &base, "y"), NotDirectory);
    refused(file.symlink_at("x", "y"), NotDirectory);
    refused(file.unlink_file_at("x"), NotDirectory);
    refused(file.metadata_hash_at(NO_FOLLOW, "."), NotDirectory);
}

pub fn file_methods_on_a_directory() {
    // WIT names bad-descriptor for none of them, and is-directory for none but reading
    const CODES: &[wasip2::filesystem::types::ErrorCode] = &[BadDescriptor, IsDirectory];
    let base = tree::empty("methods-of-files");
    refused_any(base.read(1, 0), CODES);
    refused_any(base.write(b"x", 0), CODES);
    refused_any(base.read_via_stream(0), CODES);
    refused_any(base.write_via_stream(0), CODES);
    refused_any(base.append_via_stream(), CODES);
    refused_any(base.advise(0, 0, Advice::Normal), CODES);
    refused_any(base.set_size(0), CODES);
}
