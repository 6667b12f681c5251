//! TLS to the server: who it must prove to be.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use tokio_postgres_rustls::MakeRustlsConnect;
use watershed_sink::Error;

use crate::fault::unusable;

/// Whom a server must prove to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Nobody: what is encrypted may be read by whoever answers.
    Anyone,
    /// Someone with a certificate that one of these signed.
    Signed(Roots),
    /// The host that was named, by such a certificate.
    SignedAndNamed(Roots),
}

/// Who signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Roots {
    /// The authorities that browsers trust.
    Web,
    /// Those of a PEM file.
    File(PathBuf),
}

/// A TLS client of that trust.
///
/// # Errors
/// [`Error::Unusable`] where the roots cannot be read.
pub(crate) fn client(trust: &Trust, place: &str) -> Result<MakeRustlsConnect, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let inner = match trust {
        Trust::Anyone => None,
        Trust::Signed(roots) | Trust::SignedAndNamed(roots) => {
            let store = Arc::new(store(roots, place)?);
            let built = WebPkiServerVerifier::builder_with_provider(store, provider.clone());
            Some(built.build().map_err(|error| {
                unusable(place, &format!("its roots are of no use ({error})"), ROOTS)
            })?)
        }
    };
    let named = matches!(trust, Trust::SignedAndNamed(_));
    let verifier = Verifier { inner, named, provider: provider.clone() };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(place, &error.to_string(), "report this: it is a defect"))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

const ROOTS: &str = "name a PEM file of its certificate authority as sslrootcert";

fn store(roots: &Roots, place: &str) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    match roots {
        Roots::Web => store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Roots::File(path) => {
            let refused = |why: String| {
                unusable(place, &format!("sslrootcert {}: {why}", path.display()), ROOTS)
            };
            for certificate in certificates(path).map_err(refused)? {
                store.add(certificate).map_err(|error| refused(error.to_string()))?;
            }
            if store.is_empty() {
                return Err(refused("it holds no certificate".to_owned()));
            }
        }
    }
    Ok(store)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())?;
    read.collect::<Result<_, _>>().map_err(|error| error.to_string())
}

/// Verifies as far as it was asked to.
#[derive(Debug)]
struct Verifier {
    /// `None`: whoever answers is taken.
    inner: Option<Arc<WebPkiServerVerifier>>,
    named: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(inner) = &self.inner else { return Ok(ServerCertVerified::assertion()) };
        let verified =
            inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            // The chain is verified before the name.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.named => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
