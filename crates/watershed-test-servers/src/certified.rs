//! A certificate for a test server, and the authority that signed it: made anew each time.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// All as PEM.
pub(crate) struct Certified {
    pub(crate) authority: String,
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Certified {
    /// For a server of this name.
    pub(crate) fn for_host(host: &str) -> Certified {
        let mut authority = CertificateParams::new(Vec::new()).expect("no names are valid names");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(DnType::CommonName, "authority of the tests");
        let authority_key = KeyPair::generate().expect("a key");
        let signed = authority.self_signed(&authority_key).expect("it signs itself");
        let issuer = Issuer::new(authority, authority_key);

        let key = KeyPair::generate().expect("a key");
        let server = CertificateParams::new(vec![host.to_owned()]).expect("the name of a host");
        let certificate = server.signed_by(&key, &issuer).expect("it is signed");
        Certified {
            authority: signed.pem(),
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}
