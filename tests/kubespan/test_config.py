"""KubeSpan's and discovery's settings out of a machine configuration."""

from __future__ import annotations

import pytest

from talos_resources.kubespan.config import discovery_config
from talos_resources.machineconfig.document import Document
from talos_resources.model.errors import ConfigError


@pytest.mark.parametrize("secret", ["%%%", "abc", "äbcd"])
def test_a_secret_that_is_no_base64_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(ConfigError, match="the cluster secret is no base64") as caught:
        discovery_config([Document("v1alpha1", {"cluster": {"secret": secret, "discovery": {"enabled": True}}})])
    assert secret not in str(caught.value)
