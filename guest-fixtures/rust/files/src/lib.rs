//! Every function of `wasi:filesystem@0.3`, with the errors that a guest can provoke on a directory mounted as /data.
//!
//! CASE  one of the names below, or "all" (default)
//!
//! Each case works in a directory of its own, which it makes. Not in all, since they want other mounts or files that only
//! the host can make: see `mounts.rs` and `host_made.rs`.
//!
//! Where the reference and the WIT text differ, both answers are accepted and a comment at the check says so.

mod bindings {
    wit_bindgen::generate!({
        world: "test:files/program",
        path: "../../build/wit/files",
        generate_all,
        additional_derives: [PartialEq],
    });
}
mod directories;
mod host_made;
mod kinds;
mod links;
mod load;
mod metadata;
mod mounts;
mod node;
mod opening;
mod paths;
mod reading;
mod renaming;
mod tree;
mod writing;

support::cases! {
    "preopens" => mounts::preopens,
    "paths" => paths::table,
    "path-too-long" => paths::too_long,
    "open-create" => opening::create,
    "open-exclusive" => opening::exclusive,
    "open-truncate" => opening::truncate,
    "open-directory" => opening::directory,
    "open-links" => opening::links,
    "open-flags" => opening::flags,
    "open-with-sync" => opening::with_sync,
    "read" => reading::read,
    "read-errors" => reading::errors,
    "read-two-streams" => reading::two_streams,
    "read-and-stop" => reading::and_stop,
    "streams-outlive-descriptors" => reading::streams_outlive_descriptors,
    "write" => writing::write,
    "write-errors" => writing::errors,
    "write-two-streams" => writing::two_streams,
    "append" => writing::append,
    "big-file" => writing::big_file,
    "file-to-file" => writing::file_to_file,
    "set-size" => writing::set_size,
    "advise-and-sync" => metadata::advise_and_sync,
    "stat" => metadata::stat,
    "set-times" => metadata::set_times,
    "set-times-at" => metadata::set_times_at,
    "times-out-of-range" => metadata::times_out_of_range,
    "same-object-and-hash" => metadata::same_object_and_hash,
    "create-directory" => directories::create,
    "remove-directory" => directories::remove,
    "removed-directory" => directories::removed,
    "read-directory" => directories::read,
    "unlink-file" => directories::unlink,
    "link" => links::link,
    "symlink" => links::symlink,
    "rename" => renaming::rename,
    "rename-errors" => renaming::errors,
    "methods-of-directories" => kinds::directory_methods_on_a_file,
    "methods-of-files" => kinds::file_methods_on_a_directory,
    only_by_name:
    "no-mounts" => mounts::none,
    "read-only" => mounts::read_only,
    "several-mounts" => mounts::several,
    "file-too-large" => writing::file_too_large,
    "many-open" => opening::many,
    "host-made-links" => host_made::links,
    "host-made-special-files" => host_made::special_files,
    "host-made-names" => host_made::names,
    "load-write" => load::write,
    "load-read" => load::read,
    "load-open" => load::open,
    "load-list" => load::list,
}
