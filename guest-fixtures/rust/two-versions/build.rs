// Tools may merge imports whose versions are compatible; this guest is about having both.
fn main() {
    println!("cargo::rustc-link-arg=--merge-imports-based-on-semver=false");
}
