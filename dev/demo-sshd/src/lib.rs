//! dev/demo-sshd
