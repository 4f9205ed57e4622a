use crate::site::Site;

pub(crate) fn works_on(site: &Site) {
    println!("{}", site.name);
}
